import { compile } from "../../core/compile/compile.ts";
import { indexPlan, type PlanIndex } from "../../core/plan-index.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import { readRelease } from "../../releases/release.ts";
import { currentPlan, readPlan, writePlan } from "../../releases/stored-plan.ts";
import type { PlanDocument, PlanProblem } from "../../schemas/plan.ts";
import type { Settings } from "../../schemas/settings.ts";

/** The plan that decides, and changing it by a release. */
export interface Plans {
  /** The plan as last read; null when none was. */
  current(): PlanIndex | null;
  /** Reads which plan is current, and the plan when it is another. */
  refresh(): Promise<PlanIndex | null>;
  /**
   * Compiles a complete release and makes its plan current; doing it twice does nothing. Answers the
   * problems found in it. Throws `PermanentError` when the release is not complete.
   */
  release(release: string): Promise<readonly PlanProblem[]>;
}

export interface PlansOptions {
  readonly store: TaskStore;
  /** Holds `releases/`, `confs/` and `plans/`. */
  readonly configs: ObjectStore;
  readonly settings: Settings;
  readonly now: () => number;
}

export function plansOf({ store, configs, settings, now }: PlansOptions): Plans {
  let loaded: PlanIndex | null = null;

  const refresh = async () => {
    const { body } = await currentPlan(store);
    if (body === null) return null;
    if (loaded?.plan.hash !== body.hash) loaded = indexPlan(await readPlan(configs, body.hash));
    return loaded;
  };

  return {
    current: () => loaded,
    refresh,
    async release(release) {
      const files = await readRelease(configs, release);
      for (;;) {
        const before = await currentPlan(store);
        const previous = before.body === null ? null : await readPlan(configs, before.body.hash);
        const plan = compile({ files, settings, ...(previous === null ? {} : { previous }) });
        if (before.body?.hash === plan.hash) return plan.problems;
        await writePlan(configs, plan);
        const body: PlanDocument = { schema: 1, hash: plan.hash, release, at: now() };
        const answer = await store.commit({
          writes: [{ id: "plans/current", body, version: before.version }],
          checks: [],
        });
        if (answer.kind === "committed") return plan.problems;
      }
    },
  };
}
