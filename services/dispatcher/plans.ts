import { compile } from "../../core/compile/compile.ts";
import { indexPlan, type PlanIndex } from "../../core/plan-index.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import { readRelease } from "../../releases/release.ts";
import { currentPlan, readPlan, writePlan } from "../../releases/stored-plan.ts";
import type { EpochMs } from "../../schemas/ids.ts";
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
   * the same. One that is older than that which decides is told late, or again, and changes nothing
   * either. Throws `PermanentError` when the release is not complete.
   */
  release(release: string): Promise<Released>;
}

export interface Released {
  readonly problems: readonly PlanProblem[];
  /** The plan that decided before it; null when there was none, or it never decided itself. */
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
      const { files, releasedAt } = await readRelease(configs, release);
      const planBefore = async (hash: string | null) =>
        hash === null ? null : indexPlan(await readPlan(configs, hash));
      for (;;) {
        const { version, body: now } = await currentPlan(store);
        if (now !== null && releasedAt < (now.releasedAt ?? 0)) {
          const own = now.replaced?.findLast((one) => one.release === release);
          return { problems: [], before: await planBefore(own?.previous ?? null) };
        }
        const previous = now === null ? null : await readPlan(configs, now.hash);
        const plan = compile({ files, settings, ...(previous === null ? {} : { previous }) });
        const { problems } = plan;
        const isSame = now?.hash === plan.hash;
        if (isSame && now.releasedAt === releasedAt) {
          return { problems, before: await planBefore(now.previous ?? null) };
        }
        if (!isSame) await writePlan(configs, plan);
        const body: PlanDocument = isSame
          ? { ...now, release, releasedAt }
          : replacing(now, { hash: plan.hash, release, releasedAt, at: clock.now() });
        const answer = await store.commit({
          writes: [{ id: "plans/current", body, version }],
          checks: [],
        });
        if (answer.kind === "committed") {
          if (isSame) return { problems, before: await planBefore(now.previous ?? null) };
          return { problems, before: previous === null ? null : indexPlan(previous) };
        }
        await clock.pause(conflictPauseMs);
      }
    },
  };
}

const conflictPauseMs = 100;

/** Of so many releases before it is known what they brought: who told of them may have died before it looked. */
const replacedMax = 10;

interface Replacing {
  readonly hash: string;
  readonly release: string;
  readonly releasedAt: EpochMs;
  readonly at: EpochMs;
}

function replacing(
  now: PlanDocument | null,
  { hash, release, releasedAt, at }: Replacing,
): PlanDocument {
  const shared = { schema: 1, hash, release } as const;
  if (now === null) return { ...shared, previous: null, releasedAt, at };
  const own = { release: now.release, previous: now.previous ?? null };
  const replaced = [...(now.replaced ?? []), own].slice(-replacedMax);
  return { ...shared, previous: now.hash, releasedAt, replaced, at };
}
