import {
  exhaustMap,
  filter,
  from,
  ignoreElements,
  lastValueFrom,
  mergeMap,
  type Observable,
  takeUntil,
} from "rxjs";
import { stableJson } from "../../../core/hash.ts";
import { decideStream } from "../../../core/streams/decide.ts";
import { nextLookAt } from "../../../core/streams/due.ts";
import { RetryableError } from "../../../ports/errors.ts";
import type { RunningStream } from "../../../ports/job-runner.ts";
import type { Check, DocumentVersion, Read, Write } from "../../../ports/task-store.ts";
import type { EpochMs } from "../../../schemas/ids.ts";
import type { PlanStream } from "../../../schemas/plan.ts";
import type { StreamDocument } from "../../../schemas/streams.ts";
import { carryOut } from "./carry-out.ts";
import type { StreamPorts } from "./ports.ts";
import { type Register, readRegister } from "./register.ts";
import { StateUnread, see } from "./see.ts";

/** Keeps streams running. */
export interface StreamKeeper {
  /**
   * Looks at each stream when its time has come, and as soon as something was heard of it. Never
   * fails and emits nothing. Until `stop` emits; then what was begun is finished.
   */
  keep(stop: Observable<unknown>): Observable<never>;
  /** Something may have happened to a stream: it is looked at soon. */
  nudge(config: string): void;
}

/** Streams that are looked at, and acted upon, at once. */
const atOnce = 8;
/** First and longest wait before what failed is tried again. */
const retryMs = 1_000;
const retryMsMax = 60_000;

/** A submitted job is looked for after so long. */
const submittedMs = 1_000;

interface Keeping {
  readonly ports: StreamPorts;
  /** When each stream is looked at again; one that is not here is at once. */
  readonly dueAt: Map<string, EpochMs>;
  /** Streams that something was heard of since the last look began. */
  readonly nudged: Set<string>;
  /** Looks that failed, one after the other, and since when. */
  readonly failing: Map<string, { readonly times: number; readonly unreadSince: EpochMs | null }>;
  /** The plan that was looked for when all were last known. */
  plan: string | null;
  /** Configs that have a document, as they were when that was last read. */
  known: readonly string[];
  failures: number;
  pausedUntil: EpochMs;
}

export function streamKeeper(ports: StreamPorts): StreamKeeper {
  const keeping: Keeping = {
    ports,
    dueAt: new Map(),
    nudged: new Set(),
    failing: new Map(),
    plan: null,
    known: [],
    failures: 0,
    pausedUntil: 0,
  };
  return {
    keep: (stop) =>
      ports.clock.every(ports.settings.tickMs).pipe(
        takeUntil(stop),
        filter(() => isDue(keeping)),
        exhaustMap(() => from(lookAtDue(keeping))),
        ignoreElements(),
      ),
    nudge: (config) => void keeping.nudged.add(config),
  };
}

/** Asks nobody. */
function isDue({ ports, plan, pausedUntil, ...keeping }: Keeping): boolean {
  const current = ports.plans.current()?.plan;
  const now = ports.clock.now();
  if (current === undefined || now < pausedUntil) return false;
  return current.hash !== plan || dueOf(keeping, now).length > 0;
}

type Due = Pick<Keeping, "known" | "dueAt" | "nudged">;

function dueOf({ known, dueAt, nudged }: Due, now: EpochMs): string[] {
  return known.filter((config) => nudged.has(config) || (dueAt.get(config) ?? now) <= now);
}

async function lookAtDue(keeping: Keeping): Promise<void> {
  const { ports } = keeping;
  try {
    await lookOnce(keeping);
    keeping.failures = 0;
  } catch (cause) {
    const pauseMs = Math.min(retryMsMax, retryMs * 2 ** keeping.failures);
    keeping.failures += 1;
    keeping.pausedUntil = ports.clock.now() + pauseMs;
    const reason = cause instanceof Error ? cause.message : String(cause);
    ports.log.warn({ reason }, "streams could not be looked at; trying again");
  }
}

/** The documents first, then the world: what is decided on was so after they were read. */
async function lookOnce(keeping: Keeping): Promise<void> {
  const { ports } = keeping;
  const plan = ports.plans.current()?.plan;
  if (plan === undefined) return;
  const register = await readRegister(ports, plan);
  if (register === "other-plan") {
    await ports.plans.refresh();
    return;
  }
  if (keeping.plan !== plan.hash) keeping.dueAt.clear();
  keeping.plan = plan.hash;
  keeping.known = register.configs;
  const due = dueOf(keeping, ports.clock.now());
  keeping.nudged.clear();
  if (due.length === 0) return;
  const documents = await register.read(due);
  const running = await ports.streams.running();
  const looks = from(due).pipe(
    mergeMap((config) => {
      const read = documents.get(config) ?? { version: null, body: null };
      return lookAt(keeping, { config, register, read, running });
    }, atOnce),
    ignoreElements(),
  );
  await lastValueFrom(looks, { defaultValue: undefined });
}

interface Looked {
  readonly config: string;
  readonly register: Register;
  readonly read: Read<`streams/${string}`>;
  readonly running: readonly RunningStream[];
}

/** One stream's trouble holds up no other. */
async function lookAt(keeping: Keeping, looked: Looked): Promise<void> {
  const { ports, failing, dueAt } = keeping;
  const { config } = looked;
  try {
    dueAt.set(config, await decidedAndDone(keeping, looked));
    failing.delete(config);
  } catch (cause) {
    const before = failing.get(config);
    const times = (before?.times ?? 0) + 1;
    const now = ports.clock.now();
    const unreadSince =
      cause instanceof StateUnread ? (before?.unreadSince ?? now) : (before?.unreadSince ?? null);
    failing.set(config, { times, unreadSince });
    dueAt.set(config, now + Math.min(retryMsMax, retryMs * 2 ** (times - 1)));
    const reason = cause instanceof Error ? cause.message : String(cause);
    const fields = { config, reason };
    if (cause instanceof RetryableError) {
      ports.log.warn(fields, "a stream could not be looked at; trying again");
    } else ports.log.error(fields, "a stream could not be looked at; trying again");
  }
}

/** Decides, commits, and only then acts. Answers when the stream is to be looked at again. */
async function decidedAndDone(keeping: Keeping, looked: Looked): Promise<EpochMs> {
  const { ports, failing } = keeping;
  const { clock, settings, by } = ports;
  const { config, register, read, running } = looked;
  const { body: before } = read;
  const wanted: PlanStream | null = register.wanted.get(config) ?? null;
  const unreadSince = failing.get(config)?.unreadSince ?? null;
  const look = await see(ports, { config, wanted, document: before, running, unreadSince });
  const now = clock.now();
  const decision = decideStream({ before, wanted, look, now, by, settings });
  if (decision === null) return now + settings.streams.checkMs;
  const { document, action } = decision;
  const version = await kept(ports, { before, document, version: read.version, register });
  if (version === null) return now;
  tell(ports, before, document);
  const refused = await carryOut(ports, { wanted, document, action });
  if (refused !== null) {
    await kept(ports, { before: document, document: refused, version, register });
    tell(ports, document, refused);
    return now;
  }
  if (action.kind === "submit") return now + submittedMs;
  return nextLookAt(document, { now, settings: settings.streams });
}

interface Keepable {
  readonly before: StreamDocument | null;
  readonly document: StreamDocument;
  readonly version: DocumentVersion | null;
  readonly register: Register;
}

/** The version of the document once it is as it should be; null: somebody else was first. */
async function kept(
  { store }: StreamPorts,
  { before, document, version, register }: Keepable,
): Promise<DocumentVersion | null> {
  if (before !== null && saysTheSame(before, document)) return version;
  const write: Write = { id: `streams/${document.config}`, body: document, version };
  const checks: Check[] = [{ id: "plans/current", version: register.planVersion }];
  const answer = await store.commit({ writes: [write], checks });
  return answer.kind === "committed" ? answer.version : null;
}

/** That it was looked at again is no news. */
function saysTheSame(a: StreamDocument, b: StreamDocument): boolean {
  return (
    stableJson({ ...a, seen: { ...a.seen, at: 0 } }) ===
    stableJson({ ...b, seen: { ...b.seen, at: 0 } })
  );
}

function tell({ log }: StreamPorts, before: StreamDocument | null, after: StreamDocument): void {
  if (before?.state.kind === after.state.kind && before.why === after.why) return;
  if (before?.state.kind === "running" && after.state.kind === "running") return;
  const { config, state, why } = after;
  log.info({ config, state: state.kind, why }, `stream of ${config} ${state.kind}: ${why}`);
}
