import { Observable, Subscription } from "rxjs";
import { RetryableError } from "../../ports/errors.ts";
import type { FaultKind, Faults } from "./faults.ts";
import type { Place } from "./place.ts";

/** One life of a process. */
export interface Life {
  readonly name: string;
  readonly place: Place;
  readonly faults: Faults;
  /** How far its clock is off, in milliseconds. */
  readonly skewMs: number;
  alive: boolean;
  stalledUntil: number;
  die(): void;
}

/** The same life as something that it does beside has it: faults strike that under a name of its own. */
export function beside(life: Life, what: string): Life {
  return {
    ...life,
    name: `${life.name}, ${what}`,
    get alive() {
      return life.alive;
    },
    get stalledUntil() {
      return life.stalledUntil;
    },
    set stalledUntil(until) {
      life.stalledUntil = until;
    },
  };
}

/** What a dead process waits for: a promise of its own each time, so that what waits is forgotten. */
export function never(): Promise<never> {
  return new Promise(() => {});
}

export interface Call<T> {
  /** What is called, in words. */
  readonly what: string;
  readonly port: string;
  readonly effect: () => Promise<T>;
  /** Fails without having been done, and with its answer lost. */
  readonly refused?: FaultKind;
  readonly lost?: FaultKind;
  readonly slow?: FaultKind;
}

/** One call over the network: any step of it may be the last. */
export async function call<T>(life: Life, { what, port, effect, ...kinds }: Call<T>): Promise<T> {
  const { place, faults, name } = life;
  const { time } = place;
  if (!life.alive) return never();
  const where = `${name}: ${what}`;
  await time.sleep(faults.drawn(where, 0, 15));
  if (kinds.slow !== undefined && faults.strikes(kinds.slow, where)) {
    await time.sleep(faults.drawn(where, 1_000, 60_000));
  }
  if (!life.alive) return never();
  if (faults.strikes("crash-before", where)) {
    life.die();
    return never();
  }
  if (place.isOut(port)) throw new RetryableError(`${port} is out`);
  if (kinds.refused !== undefined && faults.strikes(kinds.refused, where)) {
    throw new RetryableError(`${what} was refused`);
  }
  const answer = await effect();
  if (faults.strikes("crash-after", where)) life.die();
  if (kinds.lost !== undefined && faults.strikes(kinds.lost, where)) {
    await answered(life, where);
    throw new RetryableError(`no answer to ${what}`);
  }
  if (faults.strikes("stall", where)) {
    life.stalledUntil = time.now() + faults.drawn(where, 10_000, 1_800_000);
  }
  await answered(life, where);
  return answer;
}

export async function answered(life: Life, where: string): Promise<void> {
  const { place, faults } = life;
  await place.time.sleep(faults.drawn(where, 0, 15));
  while (life.alive && life.stalledUntil > place.time.now()) {
    await place.time.sleep(life.stalledUntil - place.time.now());
  }
  if (!life.alive) await never();
}

/** Values reach a process that lives, after whatever stall it is in. To one that died nothing beats any more. */
export function whileAlive<T>(life: Life, source: Observable<T>): Observable<T> {
  const { time } = life.place;
  return new Observable((out) => {
    const inner = new Subscription();
    const values = source.subscribe({
      next(value) {
        if (!life.alive) return inner.unsubscribe();
        if (life.stalledUntil <= time.now()) return out.next(value);
        time.at(life.stalledUntil, () => {
          if (life.alive) out.next(value);
        });
      },
      error: (cause: unknown) => out.error(cause),
      complete: () => out.complete(),
    });
    inner.add(values);
    return inner;
  });
}
