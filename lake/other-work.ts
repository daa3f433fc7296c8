let waiting = 0;

/** Lets whatever else waits have its turn: long work in memory would otherwise hold it up. */
export function otherWork(): Promise<void> {
  waiting += 1;
  return new Promise((resolve) => {
    setImmediate(() => {
      waiting -= 1;
      resolve();
    });
  });
}

/** Whether anything of this process waits in `otherWork`. */
export function letsOthersWork(): boolean {
  return waiting > 0;
}
