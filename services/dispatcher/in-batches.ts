import { Observable, type OperatorFunction } from "rxjs";

/**
 * Hands over whatever arrived while the last batch was being handled, at most `max` at a time, one
 * batch after another. A quiet stream is handled value by value without delay; a busy one in
 * batches as large as it is behind.
 *
 * Of what waits with one key only the latest is kept, in the place of the first: a message whose
 * lease ended comes again, and a reader that is behind would otherwise never catch up with copies
 * of what it has not come to yet.
 *
 * What `handle` yields is emitted at once. Completes once the source has and all that arrived is
 * handled; a `handle` that throws errors the stream. Stock operators either drop what comes while busy or wait for a clock.
 */
export function inBatches<T, R>(
  { max, keyOf }: { readonly max: number; readonly keyOf: (value: T) => unknown },
  handle: (batch: readonly T[]) => AsyncIterable<R>,
): OperatorFunction<T, R> {
  return (source) =>
    new Observable((out) => {
      const waiting = new Map<unknown, T>();
      let busy = false;
      let ended = false;
      const handleMore = () => {
        if (busy) return;
        if (waiting.size === 0) {
          if (ended) out.complete();
          return;
        }
        busy = true;
        const first = [...waiting].slice(0, max);
        for (const [key] of first) waiting.delete(key);
        const batch = first.map(([, value]) => value);
        emitAll(handle(batch), (result) => out.next(result)).then(
          () => {
            busy = false;
            handleMore();
          },
          (cause: unknown) => out.error(cause),
        );
      };
      return source.subscribe({
        next(value) {
          waiting.set(keyOf(value), value);
          handleMore();
        },
        error: (cause: unknown) => out.error(cause),
        complete() {
          ended = true;
          handleMore();
        },
      });
    });
}

async function emitAll<R>(results: AsyncIterable<R>, emit: (result: R) => void): Promise<void> {
  for await (const result of results) emit(result);
}
