import { setTimeout as sleep } from "node:timers/promises";
import { readLabels } from "../../../adapters/gcp/dataproc-labels.ts";
import { checkpointed } from "../../../adapters/rehearsal/stream.ts";
import type { RehearsalWorld } from "../../../adapters/rehearsal/world.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { jobSpecs } from "../job-specs.ts";
import type { Work } from "./place.ts";

const manifests = "--streaming-manifest-path=";

/** A Flink job that leaves what Chronon's would, where its arguments say, until it is cancelled. */
export function streamWork(world: RehearsalWorld, stateIn: (uri: string) => ObjectStore): Work {
  return async ({ id, args, labels, savepoint }, signal) => {
    const labelled = readLabels(labels);
    const path = args.find((arg) => arg.startsWith(manifests))?.slice(manifests.length);
    if (labelled === null || path === undefined) return { ok: false, details: "it has no place" };
    const { task, run, attempt } = labelled;
    const spec = jobSpecs()({
      jobId: id,
      task,
      run,
      attempt,
      config: task.slice(0, task.indexOf("/streaming@")),
      mode: "streaming",
      ...(savepoint === undefined ? {} : { savepoint }),
    });
    const job = { spec, startedAt: world.clock.now(), dueAt: null, cancelled: false };
    const flinkState = stateIn(path.replace(/\/manifests$/, ""));
    while (!signal.aborted) {
      const ending = await checkpointed({ ...world, flinkState }, job);
      if (ending !== null) return { ok: false, details: ending.error ?? "" };
      await sleep(200);
    }
    return { ok: true };
  };
}
