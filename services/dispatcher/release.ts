import { isDeepStrictEqual } from "node:util";
import type { Nudge } from "../../core/work.ts";
import type { PlanStep } from "../../schemas/plan.ts";
import type { Dispatching } from "./dispatching.ts";

const problemsTold = 20;

/** Makes a release current; answers what its new steps, and tasks that wait, should look at. */
export async function release(state: Dispatching, id: string): Promise<Nudge[]> {
  const { problems, before } = await state.plans.release(id);
  for (const { file, severity, message } of problems.slice(0, problemsTold)) {
    state.ports.log.warn({ file, reason: message }, `${severity} in ${file}`);
  }
  if (problems.length > problemsTold) {
    state.ports.log.warn({}, `${problems.length} problems in all; landfall plan lists them`);
  }
  const after = await state.plans.refresh();
  state.looking.documents.clear();
  if (before === null || after === null || before.plan.hash === after.plan.hash) return [];
  const added = after.plan.steps.filter((step) => before.step(step.id) === undefined);
  const changed = after.plan.steps.filter(
    ({ id: step, verification, conf }) =>
      verification === "metadata-row" && (before.step(step)?.conf.hash ?? conf.hash) !== conf.hash,
  );
  const rereading = after.plan.steps.filter((step) => readsOtherwise(before.step(step.id), step));
  const { store } = state.ports;
  const tasks = [...(await store.listTasks({ state: "waiting", limit: 10_000 }))];
  for (const { id: step } of added) {
    // Of a step that comes back: skipped when it left, or done before their inputs landed again.
    tasks.push(...(await store.listTasks({ step, limit: 10_000 })));
  }
  return [
    ...[...added, ...changed]
      .filter(({ schedule }) => schedule !== null)
      .map((step): Nudge => ({ kind: "step-added", step: step.id })),
    ...rereading.map((step): Nudge => ({ kind: "step-changed", step: step.id })),
    ...tasks.map((task): Nudge => ({ kind: "concern", task: task.id })),
  ];
}

/** Whether a step that was there begins by other inputs from now on, or by a schedule it did not have. */
function readsOtherwise(before: PlanStep | undefined, after: PlanStep): boolean {
  if (before === undefined || after.schedule === null) return false;
  return before.schedule === null || !isDeepStrictEqual(before.inputs, after.inputs);
}
