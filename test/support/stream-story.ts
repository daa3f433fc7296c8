import { decideStream, type StreamDecision } from "../../core/streams/decide.ts";
import {
  checkpointsOf,
  type ManifestSeen,
  manifestText,
  newestCheckpoint,
  readManifest,
} from "../../core/streams/flink-state.ts";
import { afterRefusal } from "../../core/streams/launch.ts";
import { currentOf, type OwnJob } from "../../core/streams/look.ts";
import type { PlanStream } from "../../schemas/plan.ts";
import { Settings } from "../../schemas/settings.ts";
import type { StreamDocument } from "../../schemas/streams.ts";
import { noon } from "./world.ts";

export const minuteMs = 60_000;

export function planStream(more: Partial<PlanStream> = {}): PlanStream {
  return {
    config: "risk.clicks.v1",
    team: "risk",
    topic: "kafka://clicks",
    after: "risk.clicks.v1/upload-to-kv",
    conf: { path: "compiled/group_bys/risk/clicks.v1", hash: "conf-1" },
    env: {},
    ...more,
  };
}

/** A stream's document and the world it is about, moved by hand. */
export function streamStory(more: Readonly<Record<string, unknown>> = {}) {
  const settings = Settings.parse({ streams: more });
  let now = noon;
  let document: StreamDocument | null = null;
  let wanted: PlanStream | null = planStream();
  let waitsFor: string | null = null;
  let manifest: string | null = null;
  const jobs = new Map<string, OwnJob>();
  const objects = new Map<string, number>();
  let lagging = false;
  const begun: string[] = [];
  const ended: string[] = [];

  const seen = (): ManifestSeen => readManifest(manifest);
  const newest = () => {
    const of = seen();
    if (of.kind !== "names") return null;
    const prefix = checkpointsOf(of.manifest.flinkJobId);
    const found = [...objects].filter(([name]) => name.startsWith(prefix));
    return newestCheckpoint(found.map(([name, updatedAt]) => ({ name, updatedAt })));
  };
  const originThere = (): boolean => {
    const of = seen();
    if (of.kind !== "names") return false;
    const named = document?.attempts.find(({ jobId }) => jobId === of.manifest.parentJobId);
    return named?.from !== null && objects.has(`${named?.from.path}/_metadata`);
  };
  const running = () =>
    [...jobs].flatMap(([jobId, { state }]) =>
      state === "running" || state === "pending" ? [{ jobId, state }] : [],
    );

  return {
    settings,
    begun,
    ended,
    now: () => now,
    has: () => document !== null,
    document: (): StreamDocument => {
      if (document === null) throw new Error("there is no document yet");
      return document;
    },
    state: () => document?.state.kind ?? null,
    why: () => document?.why ?? "",
    troubles: () => document?.troubles.map(({ kind }) => kind) ?? [],
    pass(ms: number) {
      now += ms;
    },
    want(stream: PlanStream | null) {
      wanted = stream;
    },
    waitFor(what: string | null) {
      waitsFor = what;
    },
    ask(does: NonNullable<StreamDocument["asked"]>["does"]) {
      if (document !== null) document = { ...document, asked: { command: "c", by: "ana", does } };
    },
    /** The document is decided on and kept; nothing is carried out. */
    decide(by = "one"): StreamDecision | null {
      const current = currentOf(document?.attempts ?? []);
      const own = current === null ? null : (jobs.get(current.jobId) ?? null);
      const look = {
        running: lagging ? [] : running(),
        own,
        manifest: seen(),
        checkpoint: newest(),
        originThere: originThere(),
        waitsFor,
      };
      const decision = decideStream({ before: document, wanted, look, now, by, settings });
      if (decision !== null) document = decision.document;
      return decision;
    },
    /** Looks, and carries out what is decided. */
    look(by = "one"): StreamDecision["action"]["kind"] | null {
      return this.lookAndAct(by)?.action.kind ?? null;
    },
    lookAndAct(by = "one"): StreamDecision | null {
      const decision = this.decide(by);
      if (decision?.action.kind === "submit") {
        const { jobId } = decision.action.attempt;
        if (!jobs.has(jobId)) begun.push(jobId);
        if (!jobs.has(jobId)) jobs.set(jobId, job("running"));
      }
      if (decision?.action.kind === "cancel") {
        for (const jobId of decision.action.jobIds) {
          ended.push(jobId);
          if (jobs.has(jobId)) jobs.set(jobId, { ...job("cancelled"), endedAt: now });
        }
      }
      return decision;
    },
    /** The runner says no to the attempt that was claimed. */
    refuse(reason: string) {
      const jobId = document?.attempts.at(-1)?.jobId ?? "";
      if (document !== null) document = afterRefusal(document, { jobId, reason, now });
    },
    /** Whether lists of what runs show nothing yet. */
    lag(lags: boolean) {
      lagging = lags;
    },
    /** A job appears that Landfall did not begin. */
    begin(jobId: string) {
      jobs.set(jobId, job("running"));
    },
    end(jobId: string, state: OwnJob["state"] = "failed", error: string | null = "out of memory") {
      jobs.set(jobId, { state, endedAt: now, error, log: null });
    },
    lose(jobId: string) {
      jobs.delete(jobId);
    },
    /** The job writes its manifest. */
    manifest(parentJobId: string, flinkJobId: string) {
      manifest = manifestText({ flinkJobId, parentJobId });
    },
    rawManifest(text: string | null) {
      manifest = text;
    },
    checkpoint(flinkJobId: string, n: number) {
      objects.set(`checkpoints/${flinkJobId}/chk-${n}/_metadata`, now);
    },
    halfCheckpoint(flinkJobId: string, n: number) {
      objects.set(`checkpoints/${flinkJobId}/chk-${n}/state`, now);
    },
    removeCheckpoints(flinkJobId: string) {
      for (const name of objects.keys()) if (name.includes(flinkJobId)) objects.delete(name);
    },
    last: () => document?.attempts.at(-1),
    /** The last job runs and completes a checkpoint, and that is seen. */
    becomeHealthy(flinkJobId: string, n: number) {
      const { jobId = "" } = document?.attempts.at(-1) ?? {};
      this.manifest(jobId, flinkJobId);
      this.checkpoint(flinkJobId, n);
      this.look();
    },
  };
}

function job(state: OwnJob["state"]): OwnJob {
  return { state, endedAt: null, error: null, log: null };
}

export function flinkId(letter: string): string {
  return letter.repeat(32);
}

export type StreamStory = ReturnType<typeof streamStory>;

/** One whose first job runs and has completed its first checkpoint. */
export function healthyStory(more: Readonly<Record<string, unknown>> = {}): StreamStory {
  const at = streamStory(more);
  at.look();
  at.becomeHealthy(flinkId("a"), 1);
  return at;
}
