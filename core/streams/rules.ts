import type { StreamDocument } from "../../schemas/streams.ts";
import { launch } from "./launch.ts";
import type { StreamContext } from "./look.ts";
import { endOf, type Move } from "./move.ts";
import { isYoung, skewMs } from "./observe.ts";
import { restartAt } from "./restarts.ts";
import { unreadable } from "./restore.ts";

type Rule = (context: StreamContext) => Move | null;

/** The first that answers decides; each may rely on those before it having nothing to say. */
export const rules: readonly Rule[] = [
  maybeSubmitted,
  gone,
  stopped,
  ending,
  several,
  ofOthers,
  going,
  launching,
  waiting,
  backingOff,
  launch,
];

/** Its job is claimed or submitted, and the runner does not know it yet: it may be any moment. */
function maybeSubmitted({
  document,
  current,
  now,
  by,
  hash,
  look,
  live,
}: StreamContext): Move | null {
  const { state, why, asked } = document;
  if (current === null || look.own !== null) return null;
  if (state.kind !== "launching") {
    return live.length > 0 ? null : { state, why };
  }
  if (now >= state.submitBy + skewMs) return null;
  const mine = state.by === by && now < state.submitBy;
  const mayBegin = live.length === 0 && asked === null && hash === current.wanted;
  return mine && mayBegin
    ? { state, why, action: { kind: "submit", attempt: current } }
    : { state, why };
}

/** By default what runs goes on: a release that lost a config does not take its features down. */
function gone(context: StreamContext): Move | null {
  const { document, hash, live, settings, now } = context;
  if (hash !== null) return null;
  const ends = settings.streams.removal === "cancel" || document.asked?.does === "stop";
  if (ends && live.length > 0) return cancelling(context, "its config left the plan");
  const since = document.state.kind === "gone" ? document.state.since : now;
  const why =
    live.length === 0
      ? "its config left the plan"
      : `its config left the plan: ${live.join(", ")} goes on, and nobody keeps it running`;
  return { state: { kind: "gone", since }, why, asked: null };
}

function stopped(context: StreamContext): Move | null {
  const { document, live, now } = context;
  const { asked, state, why } = document;
  if (asked?.does === "stop") {
    const because = `stopped by ${asked.by}`;
    if (live.length > 0) return cancelling(context, because);
    return { state: { kind: "held", reason: "stopped", since: now }, why: because, asked: null };
  }
  const stays = asked === null && state.kind === "held" && state.reason === "stopped";
  return stays ? { state, why } : null;
}

/**
 * What is asked to end: all that runs by a command, or Landfall's own job because it is of another conf
 * than is wanted. Whoever began another beside it meanwhile keeps that (S3).
 */
function ending(context: StreamContext): Move | null {
  const { document, current, live, hash } = context;
  const { asked, state } = document;
  if (live.length === 0) return null;
  if (asked !== null) return cancelling(context, `deployed again by ${asked.by}`);
  if (current === null || !live.includes(current.jobId)) return null;
  if (current.asked) {
    const because = state.kind === "cancelling" ? state.because : "it was asked to end";
    return cancelling({ ...context, live: [current.jobId] }, because);
  }
  if (live.length > 1 || current.wanted === hash) return null;
  return cancelling(context, "another conf is wanted");
}

function cancelling({ document, live, current }: StreamContext, because: string): Move {
  const own = current !== null && live.includes(current.jobId) ? { ...current, asked: true } : null;
  const attempts = own === null ? document.attempts : [...document.attempts.slice(0, -1), own];
  return {
    state: { kind: "cancelling", jobIds: [...live], because },
    why: `${because}: ${live.join(", ")} is being ended`,
    attempts,
    action: { kind: "cancel", jobIds: live },
  };
}

/** Nobody but a person can say which is the right one. */
function several({ document, live, current, now }: StreamContext): Move | null {
  const [first = ""] = live;
  if (live.length < 2) return null;
  const jobId = current !== null && live.includes(current.jobId) ? current.jobId : first;
  const since = sinceOf(document, jobId, now);
  const why = `${live.length} jobs of it run at once: ${live.join(", ")}`;
  return { state: { kind: "unhealthy", jobId, since }, why };
}

/** A job that Landfall did not begin is let be, whatever conf it runs; when it ends, Landfall goes on. */
function ofOthers(context: StreamContext): Move | null {
  const { document, live, current, look, now, settings } = context;
  const [jobId] = live;
  if (jobId === undefined || jobId === current?.jobId) return null;
  const names = look.manifest.kind === "names" && look.manifest.manifest.parentJobId === jobId;
  const healthy = names && isYoung({ look, now, settings });
  const since = sinceOf(document, jobId, now);
  const said = `${jobId} runs, which Landfall did not begin`;
  if (healthy || now - since < settings.streams.graceMs) {
    return { state: { kind: "running", jobId, since }, why: said };
  }
  const why = `${said}: ${checkpointsOf(context, jobId)}`;
  return { state: { kind: "unhealthy", jobId, since }, why };
}

function going(context: StreamContext): Move | null {
  const { document, live, current, now, settings } = context;
  if (live.length === 0 || current === null) return null;
  const { jobId, healthyAt, submittedAt, claimedAt } = current;
  const since = sinceOf(document, jobId, now);
  if (healthyAt === now) {
    const why = `runs, ${document.checkpoint?.path} is complete`;
    return { state: { kind: "running", jobId, since }, why };
  }
  const young = now - (submittedAt ?? claimedAt) < settings.streams.graceMs;
  const said = checkpointsOf(context, jobId);
  return young
    ? { state: { kind: "starting", jobId }, why: `is starting: ${said}` }
    : { state: { kind: "unhealthy", jobId, since }, why: `runs, but ${said}` };
}

/** What of a running job is not as it should be. */
function checkpointsOf({ look, document }: StreamContext, jobId: string): string {
  const { manifest, own } = look;
  if (own?.state === "pending") return "its job waits for machines";
  if (manifest.kind === "unreadable") return unreadable(manifest.reason);
  if (manifest.kind === "broken") return "its manifest is not whole";
  if (manifest.kind === "none") return "its manifest is not there";
  const { parentJobId } = manifest.manifest;
  if (parentJobId !== jobId) return `its manifest names another job, ${parentJobId}`;
  if (look.checkpoint === null) return "it completed no checkpoint";
  return `its last complete checkpoint, ${document.checkpoint?.path}, is old`;
}

/** Since when it is in this state with this job. */
function sinceOf({ state }: StreamDocument, jobId: string, now: number): number {
  return (state.kind === "running" || state.kind === "unhealthy") && state.jobId === jobId
    ? state.since
    : now;
}

/** Nobody submitted the claimed job in time: the same attempt is claimed again, by whoever sees it. */
function launching({ document, current, by, now, settings }: StreamContext): Move | null {
  if (document.state.kind !== "launching" || current === null) return null;
  const { jobId } = current;
  return {
    state: { kind: "launching", jobId, by, submitBy: now + settings.submitWithinMs },
    why: document.why,
    action: { kind: "submit", attempt: current },
  };
}

/** Until its first job. What it waits for stays there once it was. */
function waiting({ document, look }: StreamContext): Move | null {
  if (document.attempts.length > 0 || look.waitsFor === null) return null;
  return { state: { kind: "waiting" }, why: `waits for ${look.waitsFor}` };
}

function backingOff({ document, settings, now }: StreamContext): Move | null {
  const notBefore = restartAt(document.attempts, settings.streams);
  if (notBefore === null || notBefore <= now || document.asked !== null) return null;
  const last = document.attempts.at(-1);
  const why = `${last === undefined ? "" : endOf(last)}; it is begun again after a while`;
  return { state: { kind: "backing-off", notBefore }, why };
}
