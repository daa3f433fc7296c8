import { randomOf } from "../../adapters/simulated/random.ts";

/** What can go wrong, how often it is tried where it can, and how it reads after what it hits. */
export const FAULTS = {
  "event-doubled": { chance: 0.03, words: "is delivered twice" },
  "event-late": { chance: 0.03, words: "is delivered late" },
  "publish-refused": { chance: 0.02, words: "is refused" },
  "publish-answer-lost": { chance: 0.02, words: "is done, its answer is lost" },
  "ack-lost": { chance: 0.03, words: "is lost" },
  "commit-refused": { chance: 0.03, words: "conflicts" },
  "commit-answer-lost": { chance: 0.02, words: "is answered, the answer is lost" },
  "commit-slow": { chance: 0.02, words: "takes its time" },
  "read-refused": { chance: 0.005, words: "is refused" },
  "submit-refused": { chance: 0.05, words: "is refused" },
  "submit-answer-lost": { chance: 0.08, words: "is done, its answer is lost" },
  "cancel-answer-lost": { chance: 0.2, words: "is done, its answer is lost" },
  "forget-lost": { chance: 0.05, words: "is done, its answer is lost" },
  "notification-lost": { chance: 0.2, words: "is lost" },
  "notification-doubled": { chance: 0.1, words: "comes twice" },
  "notification-late": { chance: 0.1, words: "is late" },
  "job-lost-after-writing": { chance: 0.08, words: "is lost" },
  "crash-before": { chance: 0.004, words: "never happens, the process dies" },
  "crash-after": { chance: 0.004, words: "is done, and the process dies before it hears so" },
  stall: { chance: 0.004, words: "is done, and the process stands still" },
  "list-behind": { chance: 0.3, words: "does not show it yet" },
  "write-refused": { chance: 0.05, words: "is refused" },
  "write-halved": { chance: 0.05, words: "is done by half, then fails" },
  "write-answer-lost": { chance: 0.05, words: "is done, its answer is lost" },
  "write-slow": { chance: 0.05, words: "takes its time" },
  "row-left-out": { chance: 0.06, words: "is not written, and the job exits 0" },
  "row-older": { chance: 0.06, words: "is of the day before" },
  "row-contradicts": { chance: 0.06, words: "names the day before in the cell of its own" },
  "telling-refused": { chance: 0.1, words: "is refused" },
  "telling-answer-lost": { chance: 0.1, words: "is done, its answer is lost" },
  "delete-late": {
    chance: 0.8,
    words: "is not answered, and arrives later",
    ownProfile: true,
    share: 0.95,
  },
  "list-lacks": { chance: 0.02, words: "lacks it once", ownProfile: true },
  "submit-late": { chance: 0.08, words: "is not answered, and arrives later", ownProfile: true },
  "push-refused": { chance: 0.05, words: "is refused", ownProfile: true },
  "push-answer-lost": { chance: 0.05, words: "is lost", ownProfile: true },
  "report-lost": { chance: 0.03, words: "is never delivered", ownProfile: true },
} as const satisfies Record<string, Fault>;

/**
 * `ownProfile`: how often it strikes is drawn apart, so that kinds before it are as they were without.
 * `share`: of the seeds, those in which it may strike; more where what it strikes is rare.
 */
interface Fault {
  readonly chance: number;
  readonly words: string;
  readonly ownProfile?: true;
  readonly share?: number;
}

export type FaultKind = keyof typeof FAULTS;

/**
 * Decides which occurrence of which fault strikes, by the seed and by where it is alone: leaving
 * one out changes nothing but what follows from it, so that runs can be made smaller.
 */
export interface Faults {
  /** Whether this occurrence strikes; says so in the trace. `where` is what it hits, in words. */
  strikes(kind: FaultKind, where: string): boolean;
  /** A whole number between the two, both included. */
  drawn(where: string, least: number, most: number): number;
  /** Nothing strikes any more. */
  end(): void;
  /** Names of the occurrences that struck, `kind#…`. */
  struck(): readonly string[];
}

export interface FaultOptions {
  readonly seed: number;
  /** Kinds that may strike; all when left out. */
  readonly kinds?: ReadonlySet<string>;
  /** Only these occurrences strike: to replay, or to find out which of them matter. */
  readonly only?: ReadonlySet<string>;
  readonly told: (fault: FaultKind, words: string) => void;
}

export function faultsOf({ seed, kinds, only, told }: FaultOptions): Faults {
  const profile = randomOf(seed, "profile");
  const striking = new Map<FaultKind, { readonly chance: number; readonly salt: number }>();
  for (const [kind, fault] of Object.entries<Fault>(FAULTS) as [FaultKind, Fault][]) {
    const random = fault.ownProfile === true ? randomOf(seed, `profile of ${kind}`) : profile;
    const on = random.chance(fault.share ?? 0.45);
    const strength = random.pick([0.5, 1, 3]);
    if (on && (kinds === undefined || kinds.has(kind))) {
      striking.set(kind, { chance: fault.chance * strength, salt: hashed(kind) });
    }
  }
  const next = drawing(seed);
  const struck: string[] = [];
  let over = false;
  return {
    drawn: (where, least, most) => least + Math.floor(unit(next(where)) * (most - least + 1)),
    strikes(kind, where) {
      const fault = striking.get(kind);
      if (over || fault === undefined) return false;
      const drawn = next(where, fault.salt);
      if (unit(drawn) >= fault.chance) return false;
      const name = `${kind}#${drawn.toString(16).padStart(8, "0")}`;
      if (only !== undefined && !only.has(name)) return false;
      struck.push(name);
      told(kind, `${where} ${FAULTS[kind].words}`);
      return true;
    },
    end() {
      over = true;
    },
    struck: () => struck,
  };
}

function unit(drawn: number): number {
  return drawn / 2 ** 32;
}

/**
 * The next of the numbers below 2^32 that the seed has for a text, and for a `salt` with it. What a plan
 * hashes to is no place: a plan that holds more than before has the faults that it had.
 */
function drawing(seed: number): (text: string, salt?: number) => number {
  const drawn = new Map<number, number>();
  const seeded = Math.imul(seed, 0x9e3779b1);
  // One call asks for several numbers of the same place.
  let last = { text: "", hash: hashed("") };
  return (text, salt = 0) => {
    if (text !== last.text) last = { text, hash: hashed(text.replace(aHash, "a hash")) };
    const key = mixed(last.hash ^ salt);
    const nth = drawn.get(key) ?? 0;
    drawn.set(key, nth + 1);
    return mixed(key ^ mixed(seeded + nth));
  };
}

const aHash = /\b[0-9a-f]{64}\b/g;

/** FNV-1a, 32 bits. */
function hashed(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
}

/** The finalizer of MurmurHash3: every bit of what goes in changes half of what comes out. */
function mixed(number: number): number {
  let hash = number | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
