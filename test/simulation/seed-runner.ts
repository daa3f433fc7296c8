import { check } from "./check.ts";
import { neededFaults, neededTogether, shrink } from "./shrink.ts";
import { inWords } from "./words.ts";
import type { Leaving } from "./workload.ts";

/** What a process that runs seeds is asked over IPC, one after the other. */
export type Asked =
  /** The promises that the seed breaks, in words. Of faults only those kinds, when they are given. */
  | { readonly ask: "broken"; readonly seed: number; readonly kinds?: readonly string[] }
  /** Faults that the seed needs to break one, none of which is enough alone; null when it breaks none. */
  | { readonly ask: "needed"; readonly seed: number }
  /** Whether these faults break one, and all are needed for it. */
  | { readonly ask: "together"; readonly seed: number; readonly faults: readonly string[] }
  /** The smallest way found to break the promise that the seed breaks. */
  | { readonly ask: "shrunk"; readonly seed: number; readonly kinds?: readonly string[] };

export interface AnswerOf {
  readonly broken: readonly string[];
  readonly needed: readonly string[] | null;
  readonly together: boolean;
  readonly shrunk: ShrunkInWords;
}

export interface ShrunkInWords {
  readonly faults: readonly string[];
  readonly leaving: Omit<Leaving, "without"> & { readonly without: readonly string[] };
  readonly lines: readonly string[];
}

async function answer(asked: Asked): Promise<AnswerOf[Asked["ask"]]> {
  const { seed } = asked;
  switch (asked.ask) {
    case "broken": {
      const { broken } = await check({ seed, ...kindsOf(asked) });
      return broken.map(({ promise, what }) => `${promise} ${what}`);
    }
    case "needed":
      return neededFaults({ seed });
    case "together":
      return neededTogether(seed, asked.faults);
    case "shrunk": {
      const { options, checked } = await shrink({ seed, ...kindsOf(asked) });
      const { leaving = {} } = options;
      return {
        faults: checked.struck,
        leaving: { ...leaving, without: [...(leaving.without ?? [])] },
        lines: inWords(checked.trace, checked.broken),
      };
    }
  }
}

function kindsOf({ kinds }: { readonly kinds?: readonly string[] }) {
  return kinds === undefined ? {} : { kinds: new Set(kinds) };
}

process.on("message", (asked: Asked) => {
  void answer(asked).then((answered) => process.send?.(answered));
});
