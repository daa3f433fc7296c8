import { createRequire } from "node:module";

/** A message as protobufjs keeps it in JSON. */
interface Message {
  readonly fields: Record<string, { readonly type: string; readonly id: number }>;
}

interface Namespace {
  readonly nested?: Readonly<Record<string, Namespace & Partial<Message>>>;
}

const require = createRequire(import.meta.url);

/**
 * What Dataproc's API counts of an application of YARN, by the field numbers of its v1
 * (`google/cloud/dataproc/v1/jobs.proto`).
 */
const COUNTS: Message["fields"] = {
  vcoreSeconds: { type: "int64", id: 5 },
  memoryMbSeconds: { type: "int64", id: 6 },
};

/**
 * Lets clients that are made from now on decode those counts: the protos that version 6.0.1 of
 * `@google-cloud/dataproc` ships end before them, and what protos do not name is dropped. Nothing
 * happens where they are known, or where the message is not found: then nothing is counted.
 */
export function learnYarnCounts(): void {
  const protos = require("@google-cloud/dataproc/build/protos/protos.json") as Namespace;
  const path = ["google", "cloud", "dataproc", "v1", "YarnApplication"];
  const message = path.reduce<(Namespace & Partial<Message>) | undefined>(
    (at, name) => at?.nested?.[name],
    protos,
  );
  if (message?.fields === undefined) return;
  for (const [name, field] of Object.entries(COUNTS)) message.fields[name] ??= field;
}
