import { Subject } from "rxjs";
import { openSimulated, type SimulatedWorld } from "../../adapters/simulated/open.ts";
import { randomOf } from "../../adapters/simulated/random.ts";
import { compile } from "../../core/compile/compile.ts";
import type { ConfigFile } from "../../core/compile/config-file.ts";
import { addDays, dayMs, dayOf, daysIn, partitionEndMs } from "../../core/dates.ts";
import { policyOf } from "../../core/policy.ts";
import { silentLog } from "../../ports/log.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import { writeRelease } from "../../releases/release.ts";
import type { EpochMs, PartitionRange } from "../../schemas/ids.ts";
import type { Plan } from "../../schemas/plan.ts";
import { RehearsalBehaviour, type RehearsalFault } from "../../schemas/rehearsal.ts";
import type { Settings } from "../../schemas/settings.ts";
import type { Task } from "../../schemas/tasks.ts";
import { runServices } from "../run-services.ts";
import { type Arrival, arrivalsOf, land, leadDays, writeHistory } from "./outside.ts";

export interface RehearsalOptions {
  readonly files: readonly ConfigFile[];
  readonly settings: Settings;
  /** The days that are rehearsed. */
  readonly range: PartitionRange;
  /** Shares, 0 to 1, of external partitions that land late and of attempts that fail. */
  readonly late: number;
  readonly fail: number;
  readonly seed: number;
  /** How long every job takes; left out: 5 to 45 minutes, the same for the same task and seed. */
  readonly jobMs?: number;
  /** Told how much of the time has passed, 0 to 1. */
  readonly progress?: (share: number) => void;
}

/** Everything that happened, and how it stands when nothing more will. */
export interface Rehearsed {
  readonly plan: Plan;
  readonly settings: Settings;
  readonly range: PartitionRange;
  /** Tasks of earlier days too. */
  readonly tasks: readonly Task[];
  readonly arrivals: readonly Arrival[];
  readonly store: TaskStore;
  readonly endedAt: EpochMs;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const usualJobMs: [number, number] = [5 * minuteMs, 45 * minuteMs];
/** A rehearsal need not notice within seconds that time has passed. */
const beatMs = minuteMs;
const pace = { reconcileMs: dayMs, beatMs, saveMs: dayMs };
/** Time for what has not ended when the last data is there; what runs longer counts as stuck. */
const patienceMs = 30 * dayMs;
const rowsMax = 10_000_000;

/** The real watcher, dispatcher and tracker on virtual days: the same options, the same answer. */
export async function rehearse(options: RehearsalOptions): Promise<Rehearsed> {
  const { files, range, seed, late } = options;
  const settings = settingsOf(options);
  const plan = compile({ files, settings });
  const lead = leadDays(plan);
  const begins = addDays(range.start, -lead);
  const start = partitionEndMs(addDays(begins, -1));
  const outside = { plan, settings, seed, late };
  const arrivals = arrivalsOf(outside, { start: begins, end: addDays(range.end, 1) });
  const world = openSimulated({ start, seed, settings, behaviour: behaviourOf(options, plan) });
  const fails = new Subject<never>();
  const failed: unknown[] = [];
  const failing = (cause: unknown) => void failed.push(cause);

  await writeHistory(world.lake, outside, { begins, days: lead });
  for (const arrival of arrivals) {
    world.clock.at(arrival.at, () => void land(world.lake, settings, arrival).catch(failing));
  }
  const release = await writeRelease(world.configs, files);
  await world.bus.publish([{ kind: "configs-released", schema: 1, release }]);
  runServices({ world, settings, log: silentLog, pace, stop: fails }).catch(failing);

  const lastArrival = arrivals.at(-1)?.at ?? start;
  const until = Math.max(lastArrival, partitionEndMs(range.end)) + hourMs;
  for (let now = start; now < until + patienceMs; ) {
    now += hourMs;
    await world.clock.runUntil(now);
    if (failed.length > 0) throw new Error("the rehearsal broke off", { cause: failed[0] });
    options.progress?.(Math.min(1, (now - start) / (until - start)));
    if (now >= until && (await isAtRest(world))) break;
  }
  const tasks = await world.store.listTasks({ limit: rowsMax });
  return { plan, settings, range, tasks, arrivals, store: world.store, endedAt: world.clock.now() };
}

/** Jobs are named after the seed, and last as long as their name says. */
function settingsOf({ settings, seed }: RehearsalOptions): Settings {
  return { ...settings, deployment: `rehearsal-${seed}`, servingInfo: "read", tickMs: beatMs };
}

function behaviourOf(options: RehearsalOptions, plan: Plan): RehearsalBehaviour {
  const { range, seed, fail, settings, jobMs } = options;
  const faults: RehearsalFault[] = [];
  for (const step of fail === 0 ? [] : plan.steps) {
    const { id } = step;
    const attempts = policyOf(settings, step).retries.job.max + 1;
    const random = randomOf(seed, `failures of ${id}`);
    for (const partition of daysIn(range)) {
      for (let attempt = 1; attempt <= attempts; attempt++) {
        if (!random.chance(fail)) continue;
        const fault = { step: id, partition, run: 1, attempt };
        faults.push({ ...fault, does: "fail", message: "failed by chance, as --fail asks" });
      }
    }
  }
  return RehearsalBehaviour.parse({ durationMs: jobMs ?? usualJobMs, faults });
}

/** Nothing runs, and nothing will without somebody's doing. */
async function isAtRest({ store, clock }: SimulatedWorld): Promise<boolean> {
  const moving = ["ready", "launching", "running", "cancelling", "retrying"] as const;
  for (const state of moving) {
    if ((await store.listTasks({ state, limit: 1 })).length > 0) return false;
  }
  return (await store.dueTasks(clock.now() + patienceMs, 1)).length === 0;
}

/** Whether a task is of the days that are rehearsed. */
export function isAsked({ range }: Pick<Rehearsed, "range">, { start, end }: Task): boolean {
  return range.start <= start && end <= range.end;
}

/** Days a rehearsal covers. */
export function lengthOf({ start, end }: PartitionRange): number {
  return dayOf(end) - dayOf(start) + 1;
}
