import type { Partition, TableName, TaskId } from "../schemas/ids.ts";
import type { Task } from "../schemas/tasks.ts";
import { isRange } from "./cover.ts";
import type { Deciding } from "./deciding.ts";
import { emptyLandings, landingsId, landingsIds } from "./landings.ts";
import { windowOf } from "./readiness.ts";

/**
 * A landing finds the scheduled tasks for single partitions by the plan. Ranges, and steps without a
 * schedule, it could not find: while they wait they are named in the landings they wait for, which
 * whoever looks at a landing reads anyway.
 */
export function rememberWaiter(deciding: Deciding, before: Task | null, after: Task): void {
  const waits = after.state.kind === "waiting";
  if (waits === (before?.state.kind === "waiting")) return;
  const step = deciding.plan.step(after.step);
  if (step === undefined || (step.schedule !== null && !isRange(after))) return;
  for (const input of step.inputs) {
    const window = windowOf(deciding, input, after);
    if (window === null) continue;
    for (const id of landingsIds(input.table, window.range)) {
      const month = `${id.slice(id.lastIndexOf("@") + 1)}-01`;
      const document = deciding.draft.get(id) ?? emptyLandings(input.table, month);
      const { [after.id]: _, ...others } = document.waiters ?? {};
      const waiters = waits ? { ...others, [after.id]: window.range } : others;
      deciding.draft.put(id, { ...document, waiters });
    }
  }
}

/** Tasks that wait for a partition and are named in its landings. */
export function waitersFor(deciding: Deciding, table: TableName, partition: Partition): TaskId[] {
  const waiters = deciding.draft.get(landingsId(table, partition))?.waiters ?? {};
  return Object.entries(waiters).flatMap(([task, { start, end }]) =>
    start <= partition && partition <= end ? [task] : [],
  );
}
