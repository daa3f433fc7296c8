import {
  debounceTime,
  filter,
  ignoreElements,
  merge,
  mergeMap,
  type Observable,
  share,
  throttleTime,
} from "rxjs";
import { lakeLayout } from "../../core/lake-layout.ts";
import type { PlanIndex } from "../../core/plan-index.ts";
import type { JobRunner } from "../../ports/job-runner.ts";
import type { ObjectNotification } from "../../ports/object-store.ts";
import type { Settings } from "../../schemas/settings.ts";
import type { CurrentPlan } from "./current-plan.ts";

export interface LooksOptions {
  readonly runner: Pick<JobRunner, "look">;
  readonly written: Observable<ObjectNotification>;
  readonly plan: CurrentPlan;
  readonly settings: Pick<Settings, "tables">;
}

/** At most one look in this time, however many objects are written. */
const lookMs = 1_000;
/** A job goes on for a moment after its last commit: it is looked at once more when all is quiet. */
const quietMs = 2_000;

/**
 * A commit in the lake may be the last thing a job does: its job is looked at then, not later. Tables that
 * no step of the plan writes are passed over, as far as the plan is known: they land all day.
 */
export function looks({ runner, written, plan, settings }: LooksOptions): Observable<never> {
  const isExternal = externalLogs(settings);
  const commits = written.pipe(
    filter(({ name }) => name.includes("/_delta_log/") && name.endsWith(".json")),
    filter(({ name }) => !isExternal(plan.known(), name)),
    share(),
  );
  return merge(commits, commits.pipe(debounceTime(quietMs))).pipe(
    throttleTime(lookMs, undefined, { leading: true, trailing: true }),
    mergeMap(() => Promise.all([runner.look(), learned(plan)])),
    ignoreElements(),
  );
}

/** Without a plan every commit is a reason to look. Who cannot do without it reports what is wrong with it. */
async function learned(plan: CurrentPlan): Promise<void> {
  if (plan.known() === null) await plan.learn().catch(() => {});
}

/** Whether an object lies in the log of a table that the plan only reads. */
function externalLogs({ tables }: Pick<Settings, "tables">) {
  let of: PlanIndex | null = null;
  let locate: ReturnType<typeof lakeLayout>["locate"] = () => null;
  return (plan: PlanIndex | null, name: string): boolean => {
    if (plan === null) return false;
    if (plan !== of) {
      of = plan;
      const external = [...plan.tables.values()].filter((table) => table.external);
      ({ locate } = lakeLayout(external, tables));
    }
    return locate(name) !== null;
  };
}
