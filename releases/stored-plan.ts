import { RetryableError } from "../ports/errors.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { Read, TaskStore } from "../ports/task-store.ts";
import { Plan } from "../schemas/plan.ts";
import { planObject } from "./names.ts";

/** Which plan decides; `body: null` before any release. */
export async function currentPlan(store: TaskStore): Promise<Read<"plans/current">> {
  const read = (await store.read(["plans/current"])).get("plans/current");
  return (read ?? { version: null, body: null }) as Read<"plans/current">;
}

/** A compiled plan as it was written. Throws `RetryableError` when it is not there. */
export async function planJson(configs: ObjectStore, hash: string): Promise<unknown> {
  const object = await configs.read(planObject(hash));
  if (object !== null) return JSON.parse(Buffer.from(object.bytes).toString("utf8"));
  throw new RetryableError(
    `${planObject(hash)} is not in the configs store; release the configs again`,
  );
}

/** A compiled plan. Throws `RetryableError` when it is not there. */
export async function readPlan(configs: ObjectStore, hash: string): Promise<Plan> {
  return Plan.parse(await planJson(configs, hash));
}

export async function writePlan(configs: ObjectStore, plan: Plan): Promise<void> {
  await configs.write(planObject(plan.hash), Buffer.from(JSON.stringify(plan)));
}
