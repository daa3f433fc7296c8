import { Observable } from "rxjs";
import type { Clock } from "../../ports/clock.ts";
import type { EpochMs } from "../../schemas/ids.ts";

/** The clock of this machine. */
export function systemClock(): Clock {
  return clockOf(() => Date.now(), 1);
}

/**
 * Time that begins at `start` and runs `speed` times as fast as real time; delays and periods are
 * in its milliseconds. For demonstrations and tests; leases and timeouts of adapters stay real.
 */
export function scaledClock({
  start,
  speed,
}: {
  readonly start: EpochMs;
  readonly speed: number;
}): Clock {
  if (!(speed > 0)) throw new Error(`the speed of a clock is above 0, not ${speed}`);
  const origin = performance.now();
  return clockOf(() => Math.floor(start + (performance.now() - origin) * speed), speed);
}

/** Delays run on the monotonic clock: setting the machine's time neither stretches nor cuts them. */
function clockOf(now: () => EpochMs, speed: number): Clock {
  const sleep = (delayMs: number): Promise<void> =>
    new Promise((resolve) => {
      at(performance.now() + delayMs / speed, resolve);
    });
  return {
    now,
    sleep,
    pause: (upToMs) => sleep(upToMs * Math.random()),
    every(periodMs) {
      if (!(periodMs > 0)) throw new Error(`a period is above 0 ms, not ${periodMs}`);
      return beats(periodMs / speed, now);
    },
  };
}

function beats(periodMs: number, now: () => EpochMs): Observable<EpochMs> {
  return new Observable((out) => {
    const begun = performance.now();
    let cancel = () => {};
    const beatAfter = (beat: number) => {
      cancel = at(begun + beat * periodMs, () => {
        out.next(now());
        const passed = Math.floor((performance.now() - begun) / periodMs);
        if (!out.closed) beatAfter(Math.max(passed, beat) + 1);
      });
    };
    beatAfter(1);
    return () => cancel();
  });
}

/** The longest delay a timer of Node takes; a longer one would fire at once. */
const timerMaxMs = 2 ** 31 - 1;

/** Calls back once `performance.now()` has reached `due`, never before. Answers how to cancel. */
function at(due: number, done: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const wait = () => {
    const leftMs = due - performance.now();
    if (leftMs > 0 || timer === undefined) {
      timer = setTimeout(wait, Math.min(timerMaxMs, Math.max(0, Math.ceil(leftMs))));
    } else done();
  };
  wait();
  return () => clearTimeout(timer);
}
