import { compile } from "../../core/compile/compile.ts";
import { indexPlan, type PlanIndex } from "../../core/plan-index.ts";
import type { Clock } from "../../ports/clock.ts";
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
   * Compiles a complete release and makes its plan current; doing it twice does nothing, and answers
   * the same. Throws `PermanentError` when the release is not complete.
   */
  release(release: string): Promise<Released>;
}

export interface Released {
  readonly problems: readonly PlanProblem[];
  /** The plan that decided before; null when there was none. */
  readonly before: PlanIndex | null;
}

export interface PlansOptions {
  readonly store: TaskStore;
  /** Holds `releases/`, `confs/` and `plans/`. */
  readonly configs: ObjectStore;
  readonly settings: Settings;
  readonly clock: Clock;
}

export function plansOf({ store, configs, settings, clock }: PlansOptions): Plans {
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
        const { version, body: now } = await currentPlan(store);
        const previous = now === null ? null : await readPlan(configs, now.hash);
        const plan = compile({ files, settings, ...(previous === null ? {} : { previous }) });
        const { problems } = plan;
        if (now?.hash === plan.hash) {
          const hash = now.previous ?? null;
          const before = hash === null ? null : indexPlan(await readPlan(configs, hash));
          return { problems, before };
        }
        await writePlan(configs, plan);
        const body: PlanDocument = {
          schema: 1,
          hash: plan.hash,
          release,
          previous: now?.hash ?? null,
          at: clock.now(),
        };
        const answer = await store.commit({
          writes: [{ id: "plans/current", body, version }],
          checks: [],
        });
        if (answer.kind === "committed") {
          return { problems, before: previous === null ? null : indexPlan(previous) };
        }
        await clock.pause(conflictPauseMs);
      }
    },
  };
}

const conflictPauseMs = 100;
