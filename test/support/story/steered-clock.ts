import { Observable } from "rxjs";
import { systemClock } from "../../../adapters/embedded/clock.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { EpochMs } from "../../../schemas/ids.ts";

/** A clock that runs as this machine's does, begins at another time, and is set forward. */
export interface SteeredClock extends Clock {
  /** Sets it forward: beats whose time has come are given at once; who sleeps sleeps as long as before. */
  setTo(time: EpochMs): void;
}

export function steeredClock(start: EpochMs): SteeredClock {
  const real = systemClock();
  const setForward = new Set<() => void>();
  let ahead = start - real.now();
  const now = () => real.now() + ahead;
  return {
    ...real,
    now,
    every: (periodMs) => beats(periodMs, { now, setForward }),
    setTo(time) {
      if (time < now()) throw new Error(`it is ${new Date(now()).toISOString()} already`);
      ahead += time - now();
      for (const look of setForward) look();
    },
  };
}

interface Steered {
  readonly now: () => EpochMs;
  /** To be called when it is set forward. */
  readonly setForward: Set<() => void>;
}

function beats(periodMs: number, { now, setForward }: Steered): Observable<EpochMs> {
  return new Observable((out) => {
    let due = now() + periodMs;
    let timer: NodeJS.Timeout | undefined;
    const look = () => {
      clearTimeout(timer);
      if (now() >= due) {
        due = now() + periodMs;
        out.next(now());
      }
      if (!out.closed) timer = setTimeout(look, Math.max(1, Math.min(due - now(), 1_000)));
    };
    setForward.add(look);
    look();
    return () => {
      setForward.delete(look);
      clearTimeout(timer);
    };
  });
}
