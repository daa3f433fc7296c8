/**
 * A line as both worlds say it. They differ in what is drawn or counted anew: ids of jobs, which are
 * hashes of the deployment too, those of Flink and the numbers of its checkpoints, waits that are drawn
 * from job ids, times of the clock, which goes on while a story is played, how long the table of
 * metadata keeps a row: five days in Bigtable, for ever on this machine, and what YARN counts.
 */
export function plainly(): (line: string) => string {
  const names = new Map<string, string>();
  const named = (kind: string) => (id: string) => {
    const ofKind = [...names.values()].filter((name) => name.startsWith(kind)).length;
    const name = names.get(id) ?? `${kind}-${ofKind + 1}`;
    names.set(id, name);
    return name;
  };
  return (line) =>
    line
      .replaceAll(/\b[a-z][a-z0-9-]*-[0-9a-f]{40}\b/g, named("job"))
      .replaceAll(/\b[0-9a-f]{32}\b/g, named("flink"))
      .replaceAll(/\bchk-\d+\b/g, "chk-N")
      .replaceAll(/\bin \d+ s\b/g, "in N s")
      .replaceAll(
        /(\d{4}-\d\d-\d\d[T ]\d\d)(:\d\d(?::\d\d)?)/g,
        (_, hour: string, rest: string) => hour + rest.replaceAll(/\d/g, "*"),
      )
      .replaceAll(/; used [\d.]+ vcore hours, [\d.]+ GB hours of memory/g, "")
      .replace(/; table \S+ drops (nothing|a row) .*/, "; what becomes of it is up to the table");
}
