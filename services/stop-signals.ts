import { fromEvent, merge, type Observable, shareReplay, take } from "rxjs";

/** Emits once, at the first SIGTERM or SIGINT, also to those who subscribe after it. */
export function stopSignals(): Observable<unknown> {
  const stop = merge(fromEvent(process, "SIGTERM"), fromEvent(process, "SIGINT")).pipe(
    take(1),
    shareReplay(1),
  );
  stop.subscribe();
  return stop;
}
