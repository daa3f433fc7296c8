import { type Random, randomOf } from "../../adapters/simulated/random.ts";

/** What can go wrong, and how often it is tried where it can. */
export const FAULTS = {
  "event-doubled": 0.03,
  "event-late": 0.03,
  "publish-refused": 0.02,
  "publish-answer-lost": 0.02,
  "ack-lost": 0.03,
  "commit-refused": 0.03,
  "commit-answer-lost": 0.02,
  "commit-slow": 0.02,
  "read-refused": 0.005,
  "submit-refused": 0.05,
  "submit-answer-lost": 0.08,
  "cancel-answer-lost": 0.2,
  "forget-lost": 0.05,
  "notification-lost": 0.2,
  "notification-doubled": 0.1,
  "notification-late": 0.1,
  "job-lost-after-writing": 0.08,
  "crash-before": 0.004,
  "crash-after": 0.004,
  stall: 0.004,
} as const;

export type FaultKind = keyof typeof FAULTS;

/** Decides, the same for the same seed, which occurrence of which fault strikes. */
export interface Faults {
  /** Whether this occurrence strikes; says so in the trace, with `words`. */
  strikes(kind: FaultKind, words: () => string): boolean;
  /** Chance for how a fault strikes. */
  readonly random: Random;
  /** Nothing strikes any more. */
  end(): void;
  /** Occurrences that struck: `kind#n`. */
  struck(): readonly string[];
}

export interface FaultOptions {
  readonly seed: number;
  /** Kinds that may strike; all when left out. */
  readonly kinds?: ReadonlySet<string>;
  /** Only these occurrences strike: to replay, or to find out which of them matter. */
  readonly only?: ReadonlySet<string>;
  readonly told: (fault: string, nth: number, words: string) => void;
}

export function faultsOf({ seed, kinds, only, told }: FaultOptions): Faults {
  const profile = randomOf(seed, "profile");
  const intensity = new Map<FaultKind, number>();
  for (const kind of Object.keys(FAULTS) as FaultKind[]) {
    const on = profile.chance(0.45);
    const strength = profile.pick([0.5, 1, 3]);
    if (on && (kinds === undefined || kinds.has(kind))) intensity.set(kind, strength);
  }
  const streams = new Map<FaultKind, { random: Random; n: number }>();
  const struck: string[] = [];
  let over = false;
  return {
    random: randomOf(seed, "how faults strike"),
    strikes(kind, words) {
      if (over) return false;
      const stream = streams.get(kind) ?? { random: randomOf(seed, kind), n: 0 };
      streams.set(kind, stream);
      stream.n += 1;
      const drawn = stream.random.unit() < FAULTS[kind] * (intensity.get(kind) ?? 0);
      const name = `${kind}#${stream.n}`;
      if (!drawn || (only !== undefined && !only.has(name))) return false;
      struck.push(name);
      told(kind, stream.n, words());
      return true;
    },
    end() {
      over = true;
    },
    struck: () => struck,
  };
}
