import type { Clock } from "../../ports/clock.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { Log } from "../../ports/log.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import { type Executing, launch } from "./execute.ts";
import type { Plans } from "./plans.ts";

export interface RecoveryPorts {
  readonly store: TaskStore;
  readonly clock: Clock;
  readonly log: Log;
  /** The name this dispatcher claims under. */
  readonly by: string;
}

interface Recovering {
  readonly plans: Plans;
  readonly executing: Executing;
}

/** Recovers as soon as the world lets it. */
export async function recovered(ports: RecoveryPorts, recovering: Recovering): Promise<void> {
  const { clock, log } = ports;
  for (let pauseMs = 100; ; pauseMs = Math.min(10_000, pauseMs * 2)) {
    try {
      return await recover(ports, recovering);
    } catch (cause) {
      if (!(cause instanceof RetryableError)) throw cause;
      log.warn({ reason: cause.message }, "the world does not answer; trying again");
      await clock.pause(pauseMs);
    }
  }
}

/** Submits again what this dispatcher, in an earlier life, claimed and may not have submitted. */
async function recover(
  { store, by }: RecoveryPorts,
  { plans, executing }: Recovering,
): Promise<void> {
  if ((await plans.refresh()) === null) return;
  const claimed = await store.listTasks({ state: "launching", limit: 10_000 });
  const mine = claimed.filter(({ state }) => state.kind === "launching" && state.by === by);
  for (const task of mine) await launch(executing, task);
}
