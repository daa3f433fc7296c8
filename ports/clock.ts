import type { Observable } from "rxjs";
import type { EpochMs } from "../schemas/ids.ts";

/** What time it is, and being told that it passes. */
export interface Clock {
  now(): EpochMs;
  /** Emits the time every `periodMs` until unsubscribed. Late or missed beats are not made up. */
  every(periodMs: number): Observable<EpochMs>;
  /** Resolves after `delayMs`. */
  sleep(delayMs: number): Promise<void>;
  /**
   * Resolves after some time between nothing and `upToMs`, another one each time: whoever tries the
   * same thing again and again does not do so in step with others.
   */
  pause(upToMs: number): Promise<void>;
}
