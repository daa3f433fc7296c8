/** The manifest of a release. */
export function releaseObject(release: string): string {
  return `releases/${release}.json`;
}

/** A compiled conf, by the hash of its content; it keeps its file's name, which jobs look at. */
export function confObject({ path, hash }: { path: string; hash: string }): string {
  return `confs/${hash}/${path.slice(path.lastIndexOf("/") + 1)}`;
}

/** A compiled plan. */
export function planObject(hash: string): string {
  return `plans/${hash}.json`;
}
