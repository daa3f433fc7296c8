import { inputRange } from "../../core/partitions.ts";
import type { PlanIndex } from "../../core/plan-index.ts";
import { single } from "../../core/readiness.ts";
import type { Delivery } from "../../ports/bus.ts";
import {
  type PartitionRange,
  parseTaskId,
  type TableName,
  type TaskId,
} from "../../schemas/ids.ts";
import type { PlanStep } from "../../schemas/plan.ts";
import type { Trace } from "../../schemas/trace.ts";

/**
 * Which trace a task's move belongs to: that of the delivery whose event moved it, of those handled
 * together. It is found by what the events are about: the end of its own job or a command for it,
 * else one that it waited for, a landing or an end. One delivery alone moved whatever moved.
 *
 * Undefined where none fits (time moved it), and where no bus carries traces. For logs only.
 */
export function tracesOf(
  deliveries: readonly Delivery[],
  plan: PlanIndex | null,
): (task: TaskId) => Trace | undefined {
  const traced = deliveries.filter(
    ({ trace, event }) => trace !== undefined && event.kind !== "tick",
  );
  if (traced.length === 0) return () => undefined;
  if (deliveries.length === 1) return () => deliveries[0]?.trace;
  const causes = causesIn(traced, plan);
  return (task) => {
    const { step: id, range } = parseTaskId(task);
    const step = plan?.step(id);
    return (
      causes.own.get(task) ??
      (step === undefined
        ? undefined
        : (asked(causes, step, range) ?? ended(causes, step, range) ?? landed(causes, step, range)))
    );
  };
}

interface Told {
  readonly range: PartitionRange;
  readonly trace: Trace;
}

/** What the deliveries tell of, the last first where several tell of one thing. */
interface Causes {
  /** Tasks that events name. */
  readonly own: ReadonlyMap<TaskId, Trace>;
  readonly backfills: ReadonlyMap<string, readonly Told[]>;
  /** Jobs that ended, by their step. */
  readonly ends: ReadonlyMap<string, readonly Told[]>;
  readonly landings: ReadonlyMap<TableName, readonly Told[]>;
}

function causesIn(deliveries: readonly Delivery[], plan: PlanIndex | null): Causes {
  const own = new Map<TaskId, Trace>();
  const [backfills, ends, landings] = [tellings(), tellings(), tellings()];
  for (const { event, trace } of deliveries) {
    if (trace === undefined) continue;
    switch (event.kind) {
      case "partition-landed":
        landings.add(event.table, { range: single(event.partition), trace });
        break;
      case "job-settled": {
        const { step, range } = parseTaskId(event.task);
        own.set(event.task, trace);
        ends.add(step, { range, trace });
        landings.add(plan?.step(step)?.output ?? "", { range, trace });
        break;
      }
      case "backfill-requested":
        backfills.add(event.target, { range: { start: event.start, end: event.end }, trace });
        break;
      case "task-retry":
      case "task-cancel":
        own.set(event.task, trace);
        break;
      case "table-recreated":
      case "configs-released":
      case "stream-deploy":
      case "stream-stop":
      case "metadata-delete":
      case "tick":
        break;
    }
  }
  return { own, backfills: backfills.all, ends: ends.all, landings: landings.all };
}

function tellings() {
  const all = new Map<string, Told[]>();
  return {
    all,
    add(name: string, told: Told) {
      const list = all.get(name);
      if (list === undefined) all.set(name, [told]);
      else list.unshift(told);
    },
  };
}

function asked({ backfills }: Causes, step: PlanStep, range: PartitionRange): Trace | undefined {
  const told = backfills.get(step.id) ?? backfills.get(step.config) ?? [];
  return told.find((each) => meet(each.range, range))?.trace;
}

function ended({ ends }: Causes, step: PlanStep, range: PartitionRange): Trace | undefined {
  for (const before of step.after) {
    const found = ends.get(before)?.find((each) => meet(each.range, range));
    if (found !== undefined) return found.trace;
  }
  return undefined;
}

function landed({ landings }: Causes, step: PlanStep, range: PartitionRange): Trace | undefined {
  for (const input of step.inputs) {
    const told = landings.get(input.table);
    const wanted = told === undefined ? null : inputRange(range, input);
    if (told === undefined || wanted === null) continue;
    const { start, end } = wanted;
    const found = told.find((each) => meet(each.range, { start: start ?? "", end }));
    if (found !== undefined) return found.trace;
  }
  return undefined;
}

function meet(one: PartitionRange, other: PartitionRange): boolean {
  return one.start <= other.end && other.start <= one.end;
}
