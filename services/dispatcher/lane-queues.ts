import { isLanePool, lanePool, turnsFree } from "../../core/lanes.ts";
import type { Nudge } from "../../core/work.ts";
import type { Clock } from "../../ports/clock.ts";
import type { JobRunner } from "../../ports/job-runner.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { Lane } from "../../schemas/lane.ts";
import type { Settings } from "../../schemas/settings.ts";
import type { Documents } from "./documents.ts";
import { lanesFor } from "./lanes.ts";
import type { Plans } from "./plans.ts";

export interface LaneQueuesOptions {
  readonly store: TaskStore;
  readonly documents: Documents;
  readonly plans: Plans;
  readonly runner: Pick<JobRunner, "lanes">;
  readonly clock: Clock;
  readonly settings: Settings;
}

/**
 * Tasks that wait for their turn to be submitted. Which lanes have any is remembered, so that a tick
 * costs nothing where nobody waits; a dispatcher that has just started looks at all lanes once.
 */
export interface LaneQueues {
  /** Pools that tasks were queued for. */
  remember(pools: readonly string[]): void;
  /** Those in the queues that can be claimed now, longest waiting first, as many as have a turn. */
  turns(): Promise<Nudge[]>;
}

export function laneQueues(options: LaneQueuesOptions): LaneQueues {
  const { store, documents, plans, runner, clock, settings } = options;
  let lanes = new Map<string, Lane>();
  let lanesOf: string | null = null;
  const waiting = new Set<string>();

  /** The lanes of the plan; one that is new may have a queue from before. */
  const learn = () => {
    const plan = plans.current()?.plan;
    if (plan === undefined || plan.hash === lanesOf) return;
    lanesOf = plan.hash;
    const known = lanes;
    lanes = new Map();
    for (const lane of plan.steps.flatMap(lanesFor(runner))) {
      lanes.set(lanePool(lane), lane);
    }
    for (const pool of lanes.keys()) if (!known.has(pool)) waiting.add(pool);
  };

  const turnsOf = async (pool: string, lane: Lane): Promise<Nudge[]> => {
    await documents.read([`pools/${pool}`]);
    const now = clock.now();
    const body = documents.known.get(`pools/${pool}`)?.body;
    const nextAt =
      body !== null && body !== undefined && "nextAt" in body ? body.nextAt : undefined;
    const { submitWithinMs } = settings;
    const free = turnsFree(lane, { nextAt: nextAt ?? now, now, submitWithinMs });
    if (free === 0) return [];
    const tasks = await store.queuedTasks(pool, free);
    // Not before nothing is left: the look at these may fail, and then nobody else knows of them.
    if (tasks.length === 0) waiting.delete(pool);
    return tasks.map((task) => ({ kind: "concern", task }));
  };

  return {
    remember(pools) {
      for (const pool of pools) if (isLanePool(pool)) waiting.add(pool);
    },
    async turns() {
      learn();
      const nudges: Nudge[] = [];
      for (const pool of waiting) {
        const lane = lanes.get(pool);
        if (lane === undefined) waiting.delete(pool);
        else nudges.push(...(await turnsOf(pool, lane)));
      }
      return nudges;
    },
  };
}
