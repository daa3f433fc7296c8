/** Lets whatever else waits have its turn: long work in memory would otherwise hold it up. */
export function otherWork(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
