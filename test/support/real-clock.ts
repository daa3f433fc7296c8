import { interval, map } from "rxjs";
import type { Clock } from "../../ports/clock.ts";

/** The machine's clock, for tests of what happens outside this process. */
export const realClock: Clock = {
  now: () => Date.now(),
  every: (periodMs) => interval(periodMs).pipe(map(() => Date.now())),
  sleep: (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs)),
};
