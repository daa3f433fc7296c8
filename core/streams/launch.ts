import { taskId } from "../../schemas/ids.ts";
import type { StreamAttempt, StreamDocument } from "../../schemas/streams.ts";
import { partitionAt } from "../dates.ts";
import { sha256Hex } from "../hash.ts";
import { single } from "../readiness.ts";
import type { StreamContext } from "./look.ts";
import { endOf, type Move } from "./move.ts";
import { deployedBy } from "./restarts.ts";
import { type Restore, restoreOf } from "./restore.ts";

const attemptsKept = 20;

/** Claims the next attempt, from the newest checkpoint; or holds when that is not to be found (S4). */
export function launch(context: StreamContext): Move {
  const { document, look } = context;
  const restore: Restore =
    document.asked?.does === "deploy-without-state" ? { kind: "anew" } : restoreOf(document, look);
  return restore.kind === "lost" ? held(context, restore.sentence) : claimed(context, restore);
}

function held({ document, now }: StreamContext, sentence: string): Move {
  const { state, config } = document;
  const since = state.kind === "held" && state.reason === "state-lost" ? state.since : now;
  return {
    state: { kind: "held", reason: "state-lost", since },
    why: `${sentence}; put it back, or begin anew: landfall stream-deploy ${config} --no-state`,
    asked: null,
  };
}

function claimed(context: StreamContext, restore: Exclude<Restore, { kind: "lost" }>): Move {
  const { document, by, now, settings, hash } = context;
  const number = (document.attempts.at(-1)?.attempt ?? 0) + 1;
  const jobId = jobIdOf(context, number);
  const attempt: StreamAttempt = {
    attempt: number,
    jobId,
    task: taskId(`${document.config}/streaming`, single(partitionAt(now))),
    because: becauseOf(document, hash),
    claimedAt: now,
    wanted: hash ?? "",
    from: restore.kind === "from" ? restore.checkpoint : null,
    submittedAt: null,
    confirmedAt: null,
    healthyAt: null,
    endedAt: null,
    outcome: null,
    asked: false,
    error: null,
    log: null,
  };
  const from = restore.kind === "from" ? `from ${restore.checkpoint.path}` : "without state";
  return {
    state: { kind: "launching", jobId, by, submitBy: now + settings.submitWithinMs },
    why: `${attempt.because}: attempt ${number} is being submitted, ${from}`,
    attempts: [...document.attempts, attempt].slice(-attemptsKept),
    asked: null,
    action: { kind: "submit", attempt },
  };
}

/** No later life of a stream meets a job of an old one (S1). */
function jobIdOf({ document, settings }: StreamContext, attempt: number): string {
  const { config, bornAt } = document;
  const text = [settings.deployment, `streams/${config}`, bornAt, attempt].join("\n");
  return `landfall-${sha256Hex(text).slice(0, 40)}`;
}

function becauseOf({ attempts, asked }: StreamDocument, hash: string | null): string {
  if (asked !== null) return `${deployedBy}${asked.by}`;
  const last = attempts.at(-1);
  if (last === undefined) return "no job of it runs";
  return last.wanted === hash ? endOf(last) : "another conf is wanted";
}

/** The document after a runner said no to its attempt. */
export function afterRefusal(
  document: StreamDocument,
  { jobId, reason, now }: { readonly jobId: string; readonly reason: string; readonly now: number },
): StreamDocument {
  const last = document.attempts.at(-1);
  if (last?.jobId !== jobId || last.endedAt !== null) return document;
  const ended: StreamAttempt = { ...last, endedAt: now, outcome: "refused", error: reason };
  return {
    ...document,
    state: { kind: "backing-off", notBefore: now },
    why: endOf(ended),
    attempts: [...document.attempts.slice(0, -1), ended],
  };
}
