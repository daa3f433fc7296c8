import type { PlanStream } from "../../schemas/plan.ts";
import type { StreamAttempt, StreamDocument } from "../../schemas/streams.ts";
import { sha256Hex, stableJson } from "../hash.ts";
import {
  currentOf,
  hasEnded,
  type StreamContext,
  type StreamDeciding,
  type StreamLook,
} from "./look.ts";
import type { Move, StreamAction } from "./move.ts";
import { observed } from "./observe.ts";
import { rules } from "./rules.ts";
import { troublesOf } from "./troubles.ts";

/**
 * Streams, decided: whether a job is begun, or ended, and why.
 *
 * S1. An attempt is durable before its job is submitted; submitting it again is the same job (I3).
 * S2. A job is begun only while none of the GroupBy is known to run, whoever began it.
 * S3. A check ends nothing: only another conf, a command or a removal does.
 * S4. A stream that has state goes on from the newest complete checkpoint, or waits for a command.
 */
export interface StreamDecision {
  readonly document: StreamDocument;
  /** To be done once the document is committed. */
  readonly action: StreamAction;
}

/** What a job of a stream depends on; another one is another job. */
export function wantedHash({ conf, env, execution }: PlanStream): string {
  return sha256Hex(stableJson({ conf: conf.hash, env, execution }));
}

/** Decides what becomes of a stream. Null: nothing is known of it, and nothing is wanted. */
export function decideStream(deciding: StreamDeciding): StreamDecision | null {
  const { before, wanted, look } = deciding;
  const hash = wanted === null ? null : wantedHash(wanted);
  const known = before ?? (wanted === null ? null : unborn(wanted, deciding));
  if (known === null) return null;
  const document = observed(known, deciding, hash);
  const current = currentOf(document.attempts);
  const context: StreamContext = {
    ...deciding,
    document,
    hash,
    current,
    live: liveOf(look, current),
  };
  const { action = { kind: "none" }, ...move } = moveOf(context);
  const moved: StreamDocument = { ...document, ...move };
  return { document: { ...moved, troubles: troublesOf(context, moved) }, action };
}

function moveOf(context: StreamContext): Move {
  for (const rule of rules) {
    const move = rule(context);
    if (move !== null) return move;
  }
  throw new Error(`no rule is for the stream of ${context.document.config}`);
}

function unborn(wanted: PlanStream, { now }: StreamDeciding): StreamDocument {
  return {
    schema: 1,
    config: wanted.config,
    team: wanted.team,
    bornAt: now,
    wanted: null,
    state: { kind: "waiting" },
    why: "",
    seen: { at: now, jobIds: [], manifest: null },
    checkpoint: null,
    attempts: [],
    troubles: [],
    asked: null,
  };
}

/** A list may not show yet what was submitted a moment ago, or still show what has ended. */
function liveOf({ running, own }: StreamLook, current: StreamAttempt | null): string[] {
  const live = new Set(running.map(({ jobId }) => jobId));
  if (current !== null && own !== null && !hasEnded(own)) live.add(current.jobId);
  return [...live].toSorted();
}
