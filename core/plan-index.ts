import type { StepId, TableName } from "../schemas/ids.ts";
import type { Plan, PlanInput, PlanStep, PlanTable } from "../schemas/plan.ts";

/** A step and the one of its inputs that names a table. */
export interface Reader {
  readonly step: PlanStep;
  readonly input: PlanInput;
}

/**
 * A plan, ready to be asked. Built once per plan in one pass over steps and inputs; every look-up
 * is one hash look-up, whatever the number of configs, and answers in the order of the plan.
 * Offsets stay texts here: `offsetDays` parses each distinct one once.
 */
export interface PlanIndex {
  readonly plan: Plan;
  readonly tables: ReadonlyMap<TableName, PlanTable>;
  step(id: StepId): PlanStep | undefined;
  /** Steps that read a table, once per input that names it. */
  readersOf(table: TableName): readonly Reader[];
  /** The step whose output a table, or the table of a fixed sub-partition, is. */
  producerOf(table: TableName): PlanStep | undefined;
  stepsOfConfig(config: string): readonly PlanStep[];
  /** Steps that have this one in their `after`. */
  followers(id: StepId): readonly PlanStep[];
  /** How many steps lie at most between a step and external tables; 0 for one that reads no other's. */
  depth(id: StepId): number;
}

/** `db.table` of `db.table/hr=00:00`. */
export function baseTable(table: TableName): TableName {
  const slash = table.indexOf("/");
  return slash === -1 ? table : table.slice(0, slash);
}

/** Indexes a plan: time and memory proportional to its steps and inputs. */
export function indexPlan(plan: Plan): PlanIndex {
  const steps = new Map<StepId, PlanStep>();
  const readers = new Map<TableName, Reader[]>();
  const producers = new Map<TableName, PlanStep>();
  const configs = new Map<string, PlanStep[]>();
  const followers = new Map<StepId, PlanStep[]>();
  for (const step of plan.steps) {
    steps.set(step.id, step);
    append(configs, step.config, step);
    for (const input of step.inputs) append(readers, input.table, { step, input });
    for (const before of step.after) append(followers, before, step);
    if (step.output !== undefined) producers.set(step.output, step);
  }
  const producerOf = (table: TableName) => producers.get(table) ?? producers.get(baseTable(table));
  const depths = new Map<StepId, number>();
  const depth = (id: StepId): number => {
    const known = depths.get(id);
    if (known !== undefined) return known;
    depths.set(id, 0);
    const step = steps.get(id);
    const before = [
      ...(step?.after ?? []),
      ...(step?.inputs ?? []).flatMap(({ table }) => producerOf(table)?.id ?? []),
    ];
    const found = before.reduce((deepest, one) => Math.max(deepest, 1 + depth(one)), 0);
    depths.set(id, found);
    return found;
  };
  return {
    plan,
    tables: new Map(plan.tables.map((table) => [table.name, table])),
    step: (id) => steps.get(id),
    readersOf: (table) => readers.get(table) ?? [],
    producerOf,
    stepsOfConfig: (config) => configs.get(config) ?? [],
    followers: (id) => followers.get(id) ?? [],
    depth,
  };
}

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
