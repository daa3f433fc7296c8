import { sha256Hex } from "../../core/hash.ts";
import { BATCH_TABLE, servingInfoKey } from "../../core/serving-info.ts";
import {
  checkpointsOf,
  manifestName,
  manifestText,
  metadataOf,
  readManifest,
} from "../../core/streams/flink-state.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { JobSpec, RunningStream } from "../../ports/job-runner.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { parseTaskId, type TaskId } from "../../schemas/ids.ts";
import type { RehearsalBehaviour, RehearsalFault } from "../../schemas/rehearsal.ts";
import type { RehearsalEnding, RehearsalJob } from "./job.ts";
import { durationMsOf, faultOf, faultText, type RehearsalWorld } from "./world.ts";

/** A stream's job, as a list of what runs shows it; null for every other. */
export function streamOfTask(jobId: string, task: TaskId): RunningStream | null {
  const { step } = parseTaskId(task);
  const at = step.lastIndexOf("/");
  if (step.slice(at + 1) !== "streaming") return null;
  return { jobId, config: step.slice(0, at), state: "running" };
}

export function isStream({ mode }: JobSpec): boolean {
  return mode === "streaming";
}

/** How long after a moment whoever takes a stream up sees to its checkpoints: at once, when one was due. */
export function firstCheckpointMs(
  { behaviour }: RehearsalWorld,
  { spec, startedAt }: RehearsalJob,
  now: number,
): number {
  return Math.max(0, startedAt + (durationMsOf(behaviour, spec) ?? 0) - now);
}

/** How long after a moment a stream's next checkpoint is due. */
export function nextCheckpointMs(
  { behaviour }: RehearsalWorld,
  { spec, startedAt }: RehearsalJob,
  now: number,
): number {
  const first = startedAt + (durationMsOf(behaviour, spec) ?? 0);
  if (now < first) return first - now;
  const checkpointMs = checkpointMsOf(behaviour);
  return checkpointMs - ((now - first) % checkpointMs);
}

/**
 * Does what Chronon's Flink job does at a checkpoint, as far as others see it: the manifest first,
 * then `chk-N`, where N goes on from that of the checkpoint it was restored from. Null: it goes on.
 * Whoever takes it up does it as well: nothing is kept but what is written.
 */
export async function checkpointed(
  world: RehearsalWorld,
  job: RehearsalJob,
): Promise<RehearsalEnding | null> {
  const ended = (
    state: RehearsalEnding["state"],
    error: string,
    blame: RehearsalEnding["blame"] = "job",
  ): RehearsalEnding => ({ state, endedAt: world.clock.now(), error, blame });
  const fault = faultOf(world.behaviour, job.spec, job.spec.range);
  const count = checkpointsDue(world, job);
  if (count > 1 && fault?.does === "fail")
    return ended("failed", faultText(fault, "failed as told"));
  if (count > 1 && fault?.does === "vanish") {
    return ended("vanished", faultText(fault, "the job was lost"), "infrastructure");
  }
  try {
    const error = await written(world, job, { fault, count });
    return error === null ? null : ended("failed", `rehearsal: ${error}`);
  } catch (cause) {
    if (cause instanceof RetryableError) return null;
    return ended("failed", `rehearsal: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

/** Flink keeps the last ten of a job; a rehearsal cannot delete, and so makes fewer. */
function checkpointMsOf({ checkpointMs = 60_000 }: RehearsalBehaviour): number {
  return checkpointMs;
}

/** How many checkpoints it should have completed by now. */
function checkpointsDue({ behaviour, clock }: RehearsalWorld, { spec, startedAt }: RehearsalJob) {
  const first = startedAt + (durationMsOf(behaviour, spec) ?? 0);
  return 1 + Math.max(0, Math.floor((clock.now() - first) / checkpointMsOf(behaviour)));
}

interface Due {
  readonly fault: RehearsalFault | null;
  readonly count: number;
}

/** Null when its state lies there; else why the job ends. */
async function written(
  world: RehearsalWorld,
  { spec }: RehearsalJob,
  { fault, count }: Due,
): Promise<string | null> {
  const { flinkState: store } = world;
  if (store === undefined) return "there is no place for the state of streams";
  const flinkJobId = sha256Hex(spec.jobId).slice(0, 32);
  const name = manifestName(spec.config);
  if (!(await namesJob(store, name, spec.jobId))) {
    const error = await cannotBegin(world, store, spec);
    if (error !== null || fault?.does === "write-nothing") return error;
    const text = manifestText({ flinkJobId, parentJobId: spec.jobId });
    const half = fault?.does === "write-half" ? text.slice(0, 20) : text;
    await store.write(name, Buffer.from(half));
  }
  if (fault?.does === "hang") return null;
  const n = Number(/chk-(\d+)$/.exec(spec.savepoint ?? "")?.[1] ?? 0) + count;
  const path = `${checkpointsOf(flinkJobId)}${n}`;
  const object = fault?.does === "write-half" ? `${path}/state` : metadataOf({ path });
  await store.write(object, Buffer.from(`checkpoint ${n} of ${spec.jobId}`), { ifAbsent: true });
  return null;
}

async function namesJob(store: ObjectStore, name: string, jobId: string): Promise<boolean> {
  const object = await store.read(name);
  const seen = readManifest(object === null ? null : Buffer.from(object.bytes).toString("utf8"));
  return seen.kind === "names" && seen.manifest.parentJobId === jobId;
}

/** Chronon's job reads the serving info of its GroupBy, Flink the checkpoint it is given. */
async function cannotBegin(
  { keyValueStore }: RehearsalWorld,
  store: ObjectStore,
  { config, savepoint }: JobSpec,
): Promise<string | null> {
  const [served] = await keyValueStore.read(BATCH_TABLE, [servingInfoKey(config)]);
  if (served === undefined) return `there is no serving info of ${config}: load it by upload-to-kv`;
  if (savepoint === undefined) return null;
  const path = /checkpoints\/[^/]+\/chk-\d+$/.exec(savepoint)?.[0] ?? savepoint;
  const there = await store.read(metadataOf({ path }));
  return there === null ? `there is no complete checkpoint at ${savepoint}` : null;
}
