import { Observable, type OperatorFunction } from "rxjs";

/** Work is wanted for a key; `urgent` keys go before all others. */
export interface Wanted {
  readonly key: string;
  readonly urgent: boolean;
}

/**
 * Does `work` for each key that is wanted: never twice at once for the same key, once more when it
 * was wanted again meanwhile, at most `concurrency` keys at a time. Wants of a key that waits are
 * one want. Emits the key when its work is done; a rejected `work` errors the stream.
 *
 * Completes once the source has and all that was wanted is done. `groupBy` with a limit loses
 * values and `mergeMap` alone does a key twice at once, hence an operator of our own.
 */
export function onePerKey(
  concurrency: number,
  work: (key: string) => Promise<void>,
): OperatorFunction<Wanted, string> {
  return (source) =>
    new Observable((out) => {
      const urgent = new Set<string>();
      const others = new Set<string>();
      const busy = new Set<string>();
      let ended = false;
      const next = () => firstIdle(urgent, busy) ?? firstIdle(others, busy);
      const doMore = () => {
        while (busy.size < concurrency && !out.closed) {
          const key = next();
          if (key === undefined) break;
          urgent.delete(key);
          others.delete(key);
          busy.add(key);
          work(key).then(
            () => {
              busy.delete(key);
              out.next(key);
              doMore();
            },
            (cause: unknown) => out.error(cause),
          );
        }
        if (ended && busy.size === 0 && urgent.size === 0 && others.size === 0) out.complete();
      };
      return source.subscribe({
        next({ key, urgent: isUrgent }) {
          (isUrgent ? urgent : others).add(key);
          doMore();
        },
        error: (cause: unknown) => out.error(cause),
        complete() {
          ended = true;
          doMore();
        },
      });
    });
}

function firstIdle(keys: ReadonlySet<string>, busy: ReadonlySet<string>): string | undefined {
  for (const key of keys) if (!busy.has(key)) return key;
  return undefined;
}
