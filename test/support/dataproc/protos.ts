import { createRequire } from "node:module";
import type { protos } from "@google-cloud/dataproc";
import type { ServiceDefinition } from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";

export type Job = protos.google.cloud.dataproc.v1.IJob;
export type Batch = protos.google.cloud.dataproc.v1.IBatch;
export type Cluster = protos.google.cloud.dataproc.v1.ICluster;
export type Operation = protos.google.longrunning.IOperation;
export type V1 = typeof protos.google.cloud.dataproc.v1;
export type Timestamp = protos.google.protobuf.ITimestamp;

const require = createRequire(import.meta.url);
const json = structuredClone(
  require("@google-cloud/dataproc/build/protos/protos.json") as Parameters<typeof fromJSON>[0],
);

interface Fields {
  fields: Record<string, { readonly type: string; readonly id: number }>;
}

/** Dataproc counts what its client of today has no words for. */
const application = ["google", "cloud", "dataproc", "v1", "YarnApplication"].reduce(
  (at: { nested?: Record<string, object> }, name) => at.nested?.[name] ?? {},
  json,
) as Fields;
application.fields = {
  ...application.fields,
  vcoreSeconds: { type: "int64", id: 5 },
  memoryMbSeconds: { type: "int64", id: 6 },
};

const definitions = fromJSON(json, { longs: Number, enums: String, oneofs: false });

/** A service as the client of Dataproc knows it: its own protos. */
export function serviceOf(name: string): ServiceDefinition {
  const found = definitions[name];
  if (found === undefined || "format" in found) throw new Error(`no service ${name}`);
  return found;
}

/** A moment as protocol buffers say it. */
export function timestamp(at: number): Timestamp {
  return { seconds: Math.floor(at / 1_000), nanos: (at % 1_000) * 1_000_000 };
}

/** Milliseconds since 1970 of a moment. */
export function millisOf({ seconds, nanos }: Timestamp): number {
  return Number(seconds) * 1_000 + Math.floor((nanos ?? 0) / 1_000_000);
}
