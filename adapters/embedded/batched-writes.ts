import type { Database } from "./database.ts";

/** Commits `work` with whatever else is asked for; resolves once that is durable. */
export type BatchedWrite = <T>(work: () => T) => Promise<T>;

/**
 * Writes that share a transaction: whatever is asked for before the event loop turns is committed
 * together. When that fails all of it rejects; else `committed` is called once.
 */
export function batchedWrites(database: Database, committed: () => void): BatchedWrite {
  let asked: { readonly work: () => () => void; readonly refuse: (cause: unknown) => void }[] = [];

  const commit = () => {
    const batch = asked;
    asked = [];
    let answers: (() => void)[];
    try {
      answers = database.write(() => batch.map(({ work }) => work()));
    } catch (cause) {
      for (const { refuse } of batch) refuse(cause);
      return;
    }
    for (const answer of answers) answer();
    committed();
  };

  return (work) =>
    new Promise((resolve, reject) => {
      if (asked.length === 0) setImmediate(commit);
      asked.push({
        work: () => {
          const result = work();
          return () => resolve(result);
        },
        refuse: reject,
      });
    });
}
