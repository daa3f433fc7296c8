import { afterRefusal } from "../../../core/streams/launch.ts";
import type { StreamAction } from "../../../core/streams/move.ts";
import type { PlanStream } from "../../../schemas/plan.ts";
import type { StreamAttempt, StreamDocument } from "../../../schemas/streams.ts";
import type { StreamPorts } from "./ports.ts";
import { placeOf } from "./see.ts";
import { streamSpec } from "./stream-spec.ts";

export interface CarryingOut {
  readonly wanted: PlanStream | null;
  /** As it was committed, or found. */
  readonly document: StreamDocument;
  readonly action: StreamAction;
}

/**
 * Does what a document says; done twice it is the same. Answers the document after a refusal, null
 * otherwise. Throws `RetryableError`.
 */
export async function carryOut(
  ports: StreamPorts,
  { wanted, document, action }: CarryingOut,
): Promise<StreamDocument | null> {
  switch (action.kind) {
    case "none":
      return null;
    case "cancel":
      for (const jobId of action.jobIds) await ports.runner.cancel(jobId);
      return null;
    case "submit": {
      if (wanted === null) return null;
      const reason = await submitted(ports, wanted, action.attempt);
      if (reason === null) return null;
      const { jobId } = action.attempt;
      return afterRefusal(document, { jobId, reason, now: ports.clock.now() });
    }
  }
}

/** Why the runner does not take a job; null: it does. */
async function submitted(
  ports: StreamPorts,
  wanted: PlanStream,
  attempt: StreamAttempt,
): Promise<string | null> {
  const spec = streamSpec(wanted, attempt, placeOf(ports, wanted));
  const answer = await ports.runner.submit(spec);
  return answer.kind === "refused" ? answer.reason : null;
}
