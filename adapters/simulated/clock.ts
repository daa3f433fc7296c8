import { Observable } from "rxjs";
import { letsOthersWork } from "../../lake/other-work.ts";
import type { Clock } from "../../ports/clock.ts";
import type { EpochMs } from "../../schemas/ids.ts";
import type { Random } from "./random.ts";

/**
 * Time that stands still while anything is done and jumps to the next thing that is to happen. Only
 * `runUntil` lets it pass.
 */
export interface SimulatedTime extends Clock {
  /** Calls back at `at`, after everything that was asked for at the same time before. Answers how to cancel. */
  at(at: EpochMs, done: () => void): () => void;
  /**
   * Lets time pass up to and including `end`. Between two things that happen, all that follows from
   * the first is done: nothing in a simulated world waits for anything but this time.
   */
  runUntil(end: EpochMs): Promise<void>;
}

/**
 * Time that begins at `start`; pauses are drawn from `random`. After `happeningsMax` things have
 * happened `runUntil` throws, since something never comes to rest.
 */
export function simulatedTime({
  start,
  random,
  happeningsMax = Number.POSITIVE_INFINITY,
}: {
  readonly start: EpochMs;
  readonly random: Random;
  readonly happeningsMax?: number;
}): SimulatedTime {
  const queue = timerQueue();
  let now = start;
  let happened = 0;
  const at = (due: EpochMs, done: () => void) => queue.add(Math.max(now, Math.ceil(due)), done);
  const sleep = (delayMs: number): Promise<void> =>
    new Promise((resolve) => {
      at(now + delayMs, resolve);
    });
  return {
    now: () => now,
    at,
    sleep,
    pause: (upToMs) => sleep(upToMs * random.unit()),
    every(periodMs) {
      if (!(periodMs > 0)) throw new Error(`a period is above 0 ms, not ${periodMs}`);
      return beats({ now: () => now, at }, periodMs);
    },
    async runUntil(end) {
      for (;;) {
        do await everythingElse();
        while (letsOthersWork());
        const next = queue.takeUntil(end);
        if (next === null) break;
        now = next.due;
        if (++happened > happeningsMax) throw new RestlessError(happeningsMax, now);
        next.done();
      }
      now = Math.max(now, end);
    },
  };
}

/** Things go on happening, and time hardly passes. */
export class RestlessError extends Error {
  override readonly name = "RestlessError";
  constructor(happenings: number, at: EpochMs) {
    super(
      `${happenings} things happened before ${new Date(at).toISOString()}: no rest is in sight`,
    );
  }
}

/**
 * Every promise that can settle has, and all its consequences too: ticks come after promises. Only
 * what lets others work goes through the event loop, which is much slower.
 */
function everythingElse(): Promise<void> {
  return new Promise((resolve) => {
    if (letsOthersWork()) setImmediate(resolve);
    else process.nextTick(resolve);
  });
}

function beats(time: Pick<SimulatedTime, "now" | "at">, periodMs: number): Observable<EpochMs> {
  return new Observable((out) => {
    const begun = time.now();
    let cancel = () => {};
    const beatAfter = (beat: number) => {
      cancel = time.at(begun + beat * periodMs, () => {
        out.next(time.now());
        if (!out.closed) beatAfter(beat + 1);
      });
    };
    beatAfter(1);
    return () => cancel();
  });
}

interface Timer {
  readonly due: EpochMs;
  /** Of two timers that are due together the one that was added first goes first. */
  readonly order: number;
  done: () => void;
  cancelled: boolean;
}

/** A binary heap: the earliest timer is at 0, and none is later than its children at 2n+1, 2n+2. */
function timerQueue() {
  const heap: Timer[] = [];
  let added = 0;
  const before = (a: Timer | undefined, b: Timer | undefined) =>
    a !== undefined && b !== undefined && (a.due < b.due || (a.due === b.due && a.order < b.order));
  const swap = (a: number, b: number) => {
    const [one, other] = [heap[a], heap[b]];
    if (one === undefined || other === undefined) return;
    heap[a] = other;
    heap[b] = one;
  };
  const up = (from: number) => {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!before(heap[at], heap[parent])) return;
      swap(at, parent);
      at = parent;
    }
  };
  const down = () => {
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const child = before(heap[right], heap[left]) ? right : left;
      if (!before(heap[child], heap[at])) return;
      swap(at, child);
      at = child;
    }
  };
  const takeFirst = (): Timer | undefined => {
    swap(0, heap.length - 1);
    const first = heap.pop();
    down();
    return first;
  };
  return {
    add(due: EpochMs, done: () => void): () => void {
      const timer = { due, order: added++, done, cancelled: false };
      heap.push(timer);
      up(heap.length - 1);
      return () => {
        timer.cancelled = true;
        timer.done = () => {};
      };
    },
    /** The earliest timer that is due by `end`, taken out; null when there is none. */
    takeUntil(end: EpochMs): Timer | null {
      for (;;) {
        const [first] = heap;
        if (first === undefined || (first.due > end && !first.cancelled)) return null;
        const taken = takeFirst();
        if (taken !== undefined && !taken.cancelled) return taken;
      }
    },
  };
}
