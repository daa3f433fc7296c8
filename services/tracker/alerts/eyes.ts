import { ofMetadata } from "../../../core/alerts/metadata.ts";
import {
  isMoot,
  type Letter,
  ofFailed,
  ofLetters,
  ofProblems,
  ofRunning,
  ofStreams,
  type Signal,
} from "../../../core/alerts/signals.ts";
import { writesMetadata } from "../../../core/metadata-by.ts";
import { own } from "../../../core/own.ts";
import type { PlanIndex } from "../../../core/plan-index.ts";
import type { AlertDocument, AlertKind } from "../../../schemas/alerts.ts";
import type { EpochMs, Partition, StepId } from "../../../schemas/ids.ts";
import type { Plan } from "../../../schemas/plan.ts";
import type { Task } from "../../../schemas/tasks.ts";
import { type PlanNow, planNow } from "../plan-now.ts";
import { metadataIn, streamsIn } from "../read.ts";
import type { AlertingPorts } from "./pipeline.ts";
import { unmetExpectations } from "./unmet.ts";

/** All that is wrong at a moment. */
export interface Seen {
  readonly signals: readonly Signal[];
  /** Kinds that could not be looked at. */
  readonly unseen: ReadonlySet<AlertKind>;
}

/** Looks by bounded queries and reads by id. */
export interface Eyes {
  /** `known`: all alerts there are. Throws what the store throws. */
  look(now: EpochMs, known: readonly AlertDocument[]): Promise<Seen>;
  /** Who keeps a team's configs, by the plan as it was last looked at. */
  maintainersOf(team: string): readonly string[];
}

/** Tasks of a state that are looked at, the newest partitions first. */
const tasksMax = 1_000;
/** Reading dead letters costs seconds on Pub/Sub. */
const lettersMs = 300_000;
const lettersMax = 500;

export function eyesOf(ports: AlertingPorts): Eyes {
  const { store } = ports;
  const settings = ports.settings.alerts;
  const currentPlan = planNow(ports);
  const lettersNow = letters(ports);
  const unmetNow = unmetExpectations(ports);
  let maintainers: NonNullable<Plan["maintainers"]> = {};
  return {
    maintainersOf: (team) => own(maintainers, team) ?? own(maintainers, "default") ?? [],
    async look(now, known) {
      const about = { now, settings, refreshMs: ports.settings.metadata.refreshMs };
      const [failed, running, plan, aside, streams, metadata] = await Promise.all([
        store.listTasks({ state: "failed", limit: tasksMax }),
        store.listTasks({ state: "running", limit: tasksMax }),
        currentPlan(),
        lettersNow(now),
        streamsIn(store),
        metadataIn(store),
      ]);
      maintainers = plan?.index.plan.maintainers ?? {};
      const unmet = plan === null ? [] : await unmetNow({ plan: plan.index, known, now });
      const troubling = plan === null ? failed : await notMoot(ports, plan.index, failed);
      const signals = [
        ...ofFailed(troubling, about),
        ...ofRunning(running, about),
        ...(plan === null ? [] : ofProblems(plan.index.plan.problems, plan.at)),
        ...ofLetters(aside ?? [], about),
        ...ofStreams(streams),
        ...(isKept(ports, plan) ? ofMetadata(metadata, about) : []),
        ...unmet,
      ];
      return { signals, unseen: new Set(aside === null ? ["dead-letter"] : []) };
    },
  };
}

/** Whether Landfall keeps metadata: what it wrote before somebody else did is not its to keep up. */
function isKept({ settings }: AlertingPorts, plan: PlanNow | null): boolean {
  return writesMetadata(settings) && plan?.index.plan.metadata !== undefined;
}

/** Failed tasks that still matter; a query for each step of which only the newest day counts. */
async function notMoot(
  { store }: AlertingPorts,
  plan: PlanIndex,
  failed: readonly Task[],
): Promise<readonly Task[]> {
  const newest = new Map<StepId, Partition | null>();
  for (const { step } of failed) {
    if (newest.has(step) || plan.step(step)?.strategy !== "latest-only") continue;
    const [done] = await store.listTasks({ step, state: "succeeded", limit: 1 });
    newest.set(step, done?.end ?? null);
  }
  return failed.filter(
    (task) => !isMoot(task, plan.step(task.step), newest.get(task.step) ?? null),
  );
}

/** Dead letters as they were a few minutes ago at most; null when they cannot be read. */
function letters({ bus }: AlertingPorts): (now: EpochMs) => Promise<readonly Letter[] | null> {
  let known: readonly Letter[] | null = null;
  let readAt = Number.NEGATIVE_INFINITY;
  return async (now) => {
    if (now - readAt < lettersMs) return known;
    readAt = now;
    try {
      known = await bus.deadLetters(lettersMax);
    } catch {
      known = null;
    }
    return known;
  };
}
