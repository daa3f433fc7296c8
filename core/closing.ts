import type { EpochMs, Partition, TableName } from "../schemas/ids.ts";
import type { Landing } from "../schemas/landings.ts";
import type { Closing, Settings } from "../schemas/settings.ts";
import { partitionEndMs } from "./dates.ts";
import { own } from "./own.ts";

/** Whether nothing more is expected of a partition; if more is, until when at the earliest. */
export type Closedness =
  | { readonly kind: "closed" }
  | { readonly kind: "open"; readonly until: EpochMs | null; readonly because: string };

/** What the settings say of it. */
export type ClosingSettings = Pick<Settings, "tables" | "externalClosing">;

/** How a table's partitions close: its own setting, else by who writes it. */
export function closingOf(
  settings: ClosingSettings,
  table: { readonly name: TableName; readonly external: boolean },
): Closing {
  const said = own(settings.tables, table.name)?.closing;
  return said ?? (table.external ? settings.externalClosing : { when: "at-landing" });
}

/** What decides whether one landed partition is closed. */
export interface ClosingQuestion {
  readonly closing: Closing;
  readonly partition: Partition;
  readonly landing: Landing;
  /** Whether the following partition has data; only asked when closing is `next`. */
  readonly nextHasData: () => boolean;
  readonly now: EpochMs;
}

/** Whether a landed partition counts as complete (design: Landing, "Closed"). */
export function closedness({ closing, ...asked }: ClosingQuestion): Closedness {
  switch (closing.when) {
    case "at-landing":
      return { kind: "closed" };
    case "at-end":
      return closedAtEnd(closing, asked);
    case "next":
      return asked.nextHasData()
        ? { kind: "closed" }
        : { kind: "open", until: null, because: "the following day has no data yet" };
    case "marker":
      return byWord(asked.landing, "marker", "no _SUCCESS was seen");
    case "manual":
      return byWord(asked.landing, "manual", "nobody has said it is complete");
  }
}

function closedAtEnd(
  closing: { readonly delayMs: number; readonly settleMs: number },
  asked: Omit<ClosingQuestion, "closing">,
): Closedness {
  const over = partitionEndMs(asked.partition) + closing.delayMs;
  const settled = asked.landing.at + closing.settleMs;
  const until = Math.max(over, settled);
  if (asked.now >= until) return { kind: "closed" };
  const because =
    over > asked.now
      ? "its day is not over"
      : `its last commit is younger than ${closing.settleMs / 1000} s`;
  return { kind: "open", until, because };
}

function byWord(landing: Landing, word: Landing["seenBy"], because: string): Closedness {
  return landing.seenBy === word || landing.seenBy === "job"
    ? { kind: "closed" }
    : { kind: "open", until: null, because };
}
