import { rowBy } from "../../../core/metadata-by.ts";
import { pagesFor } from "../../../core/metadata-pages.ts";
import { currentOf, type StreamLook } from "../../../core/streams/look.ts";
import { RetryableError } from "../../../ports/errors.ts";
import type { RunningStream } from "../../../ports/job-runner.ts";
import type { FlinkState } from "../../../ports/world.ts";
import type { PlanStream } from "../../../schemas/plan.ts";
import type { StreamDocument } from "../../../schemas/streams.ts";
import type { StreamPorts } from "./ports.ts";
import { nothingThere, readState, type StateLook } from "./state.ts";

/** A stream whose document was read before anything is looked at. */
export interface Seeing {
  readonly config: string;
  readonly wanted: PlanStream | null;
  readonly document: StreamDocument | null;
  /** All streams that run. */
  readonly running: readonly RunningStream[];
  /** Since when its state could not be read; null: it could. */
  readonly unreadSince: number | null;
}

/** What cannot be read for so long is a trouble of the stream, not only of the moment. */
const patienceMs = 60_000;

/** Looks at a stream. Throws `RetryableError` when the world does not answer. */
export async function see(ports: StreamPorts, seeing: Seeing): Promise<StreamLook> {
  const { config, wanted, document, running } = seeing;
  const current = currentOf(document?.attempts ?? []);
  const isFirst = (document?.attempts.length ?? 0) === 0;
  return {
    running: running.filter((stream) => stream.config === config),
    own: current === null ? null : await ports.streams.find(current.jobId),
    ...(await stateOf(ports, seeing)),
    waitsFor: wanted !== null && isFirst ? await waitsFor(ports, wanted) : null,
  };
}

/** Nobody knows where the state of a config lies that is gone. */
async function stateOf(ports: StreamPorts, seeing: Seeing): Promise<StateLook> {
  const { config, wanted, document, unreadSince } = seeing;
  if (wanted === null) return nothingThere;
  try {
    const place = placeOf(ports, wanted);
    return place === null ? nothingThere : await readState(place, config, document);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const isNew = unreadSince === null || ports.clock.now() - unreadSince < patienceMs;
    if (cause instanceof RetryableError && isNew) throw new StateUnread(reason, { cause });
    return { ...nothingThere, manifest: { kind: "unreadable", reason } };
  }
}

/** State could not be read, and may be the next time. */
export class StateUnread extends RetryableError {}

/** Where a stream keeps its state; null: nobody said. Throws `PermanentError`. */
export function placeOf({ flinkState }: StreamPorts, { env }: PlanStream): FlinkState | null {
  return flinkState(env["FLINK_STATE_URI"]);
}

/** What the job of a stream reads of the online store before it begins. */
async function waitsFor(ports: StreamPorts, wanted: PlanStream): Promise<string | null> {
  const { after, parentJoin } = wanted;
  const done = await ports.store.listTasks({ step: after, state: "succeeded", limit: 1 });
  if (done.length === 0) return `${after} to succeed once`;
  if (parentJoin === undefined || (await isServed(ports, parentJoin))) return null;
  return `the metadata of its source, ${parentJoin}, in the online store`;
}

/** Whether a row of the metadata was written and read back; what others write is believed to be there. */
async function isServed({ store, settings, plans }: StreamPorts, join: string): Promise<boolean> {
  const key = `joins/${join}`;
  const planned = plans.current()?.plan.metadata?.find((row) => row.key === key);
  const by = planned === undefined ? settings.metadata.by : rowBy(settings, planned);
  if (by === "others") return true;
  if (by === "job") {
    const step = `${join}/metadata-upload`;
    return (await store.listTasks({ step, state: "succeeded", limit: 1 })).length > 0;
  }
  const head = (await store.read(["metadata/current"])).get("metadata/current")?.body;
  if (head === null || head === undefined || !("pages" in head)) return false;
  const ids = pagesFor(key, head.pages).map((page) => `metadata-rows/${page}` as const);
  const pages = [...(await store.read(ids)).values()];
  return pages.some(({ body }) => body !== null && "rows" in body && Object.hasOwn(body.rows, key));
}
