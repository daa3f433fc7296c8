import { exists, invalid, notFound, precondition } from "./errors.ts";
import { batchFilter, checkLabels } from "./labels.ts";
import { checkProject, type Kept, type Place, pause } from "./place.ts";
import { type Batch, millisOf, type Operation, timestamp } from "./protos.ts";

type State = "PENDING" | "RUNNING" | "CANCELLING" | "CANCELLED" | "SUCCEEDED" | "FAILED";

const over = ["SUCCEEDED", "FAILED", "CANCELLED"];

/** BatchController: Dataproc Serverless. A batch is cancelled through its operation. */
export function batchController(place: Place) {
  return {
    CreateBatch(request: { parent: string; batch: Batch; batchId: string }): Operation {
      const { parent, batch, batchId } = request;
      const region = regionOf(place, parent);
      if (!/^[a-z0-9-]{4,63}$/.test(batchId)) throw invalid(`Invalid batch id '${batchId}'`);
      checkLabels(batch.labels);
      const { mainClass, mainJarFileUri, jarFileUris } = batch.sparkBatch ?? {};
      if (!mainClass && !mainJarFileUri) throw invalid("Either main class or main jar is required");
      if (mainClass && (jarFileUris ?? []).length === 0) throw invalid("Jars are required");
      const ttl = Number(batch.environmentConfig?.executionConfig?.ttl?.seconds ?? 600);
      if (ttl < 600 || ttl > 14 * 86_400) throw invalid("ttl must be 10 m to 14 d");
      const name = `${parent}/batches/${batchId}`;
      if (place.batches.has(name)) throw exists(`Batch ${name}`);
      const operation = `projects/${place.options.project}/regions/${region}/operations/${batchId}`;
      const { now: clock } = place.options;
      const now = timestamp(clock());
      const kept: Kept<Batch> = {
        resource: {
          ...batch,
          name,
          operation,
          uuid: `uuid-of-${batchId}`,
          createTime: now,
          state: "PENDING",
          stateTime: now,
          stateHistory: [],
          runtimeInfo: { outputUri: `gs://dataproc-staging/batches/${batchId}/driveroutput` },
        },
        region,
        submittedAt: clock(),
        now: clock,
        abort: new AbortController(),
        starts: 0,
      };
      place.batches.set(name, kept);
      void live(place, kept);
      return { name: operation };
    },
    GetBatch({ name }: { name: string }): Batch {
      return find(place, name).resource;
    },
    ListBatches(request: { parent: string; filter: string; pageSize: number; pageToken: string }) {
      const region = regionOf(place, request.parent);
      const fits = batchFilter(request.filter ?? "");
      const found = [...place.batches.values()]
        .filter((kept) => kept.region === region)
        .map(({ resource }) => resource)
        .filter(({ state, createTime }) =>
          fits({ state: String(state), createdAt: millisOf(createTime ?? {}) }),
        )
        .reverse();
      const from = Number(request.pageToken || 0);
      const to = from + (request.pageSize || 20);
      return { batches: found.slice(from, to), nextPageToken: to < found.length ? String(to) : "" };
    },
  };
}

/** Operations: those of batches, by their names. */
export function operations(place: Place) {
  const of = (name: string) => {
    const kept = [...place.batches.values()].find(({ resource }) => resource.operation === name);
    if (kept === undefined) throw notFound(`Operation ${name}`);
    return kept;
  };
  return {
    GetOperation({ name }: { name: string }): Operation {
      return { name, done: over.includes(String(of(name).resource.state)) };
    },
    CancelOperation({ name }: { name: string }): object {
      const kept = of(name);
      if (over.includes(String(kept.resource.state))) throw precondition("The operation is done");
      become(kept, "CANCELLING");
      kept.abort.abort("cancelled");
      return {};
    },
  };
}

function regionOf(place: Place, parent: string): string {
  const [, project = "", , region = ""] = parent.split("/");
  checkProject(place, project);
  return region;
}

function find(place: Place, name: string): Kept<Batch> {
  const kept = place.batches.get(name);
  if (kept === undefined) throw notFound(`Batch ${name}`);
  return kept;
}

async function live(place: Place, kept: Kept<Batch>): Promise<void> {
  const { resource, abort } = kept;
  await pause(place);
  if (!abort.signal.aborted) {
    become(kept, "RUNNING");
    kept.starts += 1;
    const id = resource.name?.split("/").at(-1) ?? "";
    const { args } = resource.sparkBatch ?? {};
    const done = await Promise.race([
      place.options.work({ id, args: args ?? [], labels: resource.labels ?? {} }, abort.signal),
      new Promise<null>((resolve) => abort.signal.addEventListener("abort", () => resolve(null))),
    ]);
    if (done !== null) {
      resource.runtimeInfo = {
        ...resource.runtimeInfo,
        approximateUsage: { milliDcuSeconds: 4_000, shuffleStorageGbSeconds: 7 },
      };
      return become(kept, done.ok ? "SUCCEEDED" : "FAILED", done.ok ? "" : done.details);
    }
  }
  await pause(place);
  become(kept, "CANCELLED");
}

function become({ resource, now }: Kept<Batch>, state: State, stateMessage = ""): void {
  const { state: before, stateTime, stateMessage: said } = resource;
  resource.stateHistory = [
    ...(resource.stateHistory ?? []),
    { state: before ?? null, stateStartTime: stateTime ?? null, stateMessage: said ?? null },
  ];
  resource.state = state;
  resource.stateMessage = stateMessage;
  resource.stateTime = timestamp(now());
}
