import type { EpochMs } from "../schemas/ids.ts";
import type { PlanStep } from "../schemas/plan.ts";
import type { Task } from "../schemas/tasks.ts";
import { daysIn } from "./dates.ts";
import type { Deciding } from "./deciding.ts";
import { landingOf, landingsIds, versionText } from "./landings.ts";
import { readiness, type Verdict, windowOf } from "./readiness.ts";
import { supersededBy } from "./supersede.ts";
import { isTooOldToServe } from "./too-old.ts";

/** What a new version of an input means for a task that has ended. */
export type Relanding =
  | { readonly kind: "unchanged" }
  /** Not reflected, by a named policy (I4). */
  | { readonly kind: "waived"; readonly remark: string }
  /** To be reflected, but not all inputs are complete. */
  | { readonly kind: "later"; readonly remark: string; readonly until: EpochMs | null }
  | {
      readonly kind: "rerun";
      readonly because: string;
      readonly verdict: Extract<Verdict, { kind: "met" }>;
    };

/**
 * Compares what the task's last claim read with what is there now. Policies that waive: a step
 * that only fills would skip what exists; a newer day supersedes an older upload; what an
 * operator cancelled stays so; an input that is gone cannot be read again.
 */
export function relanding(deciding: Deciding, task: Task, step: PlanStep): Relanding {
  if (task.state.kind === "cancelled" || task.runs.length === 0) return { kind: "unchanged" };
  if (step.verification === "metadata-row") return ofConf(deciding, task, step);
  const changed = changedInputs(deciding, task, step);
  if (changed.length === 0) return { kind: "unchanged" };
  const landed = changed.filter(({ gone }) => !gone).map(({ what }) => what);
  if (landed.length === 0) {
    return {
      kind: "waived",
      remark: `${changed.map(({ what }) => what).join(", ")} is gone since`,
    };
  }
  const because = `${landed.join(", ")} landed again`;
  if (step.effect === "fills" && task.state.kind === "succeeded") {
    return { kind: "waived", remark: `${because}; a rerun would fill nothing: the output exists` };
  }
  const newer = supersededBy(deciding, step, task);
  if (newer !== null) return { kind: "waived", remark: `${because}; ${newer} is newer` };
  if (isTooOldToServe(deciding, step, task)) {
    return { kind: "waived", remark: `${because}; the online store would drop its rows at once` };
  }
  const verdict = readiness(deciding, step, task);
  if (verdict.kind === "unmet") {
    const remark = `${because}; runs again when ${verdict.missing.map((m) => m.what).join(", ")} is complete`;
    return { kind: "later", remark, until: verdict.until };
  }
  return { kind: "rerun", because, verdict };
}

/** Of what writes the conf itself, that is the input. */
function ofConf(deciding: Deciding, task: Task, step: PlanStep): Relanding {
  const verdict = readiness(deciding, step, task);
  if (task.conf === step.conf.hash || verdict.kind === "unmet") return { kind: "unchanged" };
  return { kind: "rerun", because: "another conf was released", verdict };
}

interface Changed {
  readonly what: string;
  readonly gone: boolean;
}

function changedInputs(deciding: Deciding, task: Task, step: PlanStep): Changed[] {
  const windows = step.inputs.flatMap((input) => {
    const window = windowOf(deciding, input, task);
    return window === null ? [] : [{ table: input.table, range: window.range }];
  });
  deciding.draft.need(windows.flatMap(({ table, range }) => landingsIds(table, range)));
  return windows.flatMap(({ table, range }) =>
    daysIn(range).flatMap((day): Changed[] => {
      const read = task.reads[table]?.[day];
      const landing = landingOf(deciding.draft, table, day);
      if (landing === null) return [];
      const gone = landing.state === "gone";
      const isChanged = gone ? read !== undefined : versionText(landing.version) !== read;
      return isChanged ? [{ what: `${table}@${day}`, gone }] : [];
    }),
  );
}
