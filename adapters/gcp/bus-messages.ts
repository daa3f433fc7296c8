import { randomBytes } from "node:crypto";
import type { LandfallEvent } from "../../schemas/events.ts";
import { readTrace, type Trace } from "../../schemas/trace.ts";

/** What is published: the event as JSON, and what can be read without opening it. */
export interface OutgoingMessage {
  readonly data: Buffer;
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * The attributes are for filters, dashboards and traces. No handling of an event relies on them: a
 * person who publishes a command by hand writes none.
 */
export function messageOf(event: LandfallEvent, traceparent: Trace): OutgoingMessage {
  return {
    data: Buffer.from(JSON.stringify(event)),
    attributes: { kind: event.kind, schema: `${event.schema}`, traceparent },
  };
}

/** The trace that a message says it belongs to. */
export function traceIn(attributes: Readonly<Record<string, string>>): { readonly trace?: Trace } {
  const trace = readTrace(attributes["traceparent"]);
  return trace === undefined ? {} : { trace };
}

/** A trace that begins here: version 00, new ids, sampled. */
export function newTrace(): Trace {
  return `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-01`;
}

/** Whether the event is one that people and foreign systems publish, on the topic that is theirs. */
export function isCommand({ kind }: LandfallEvent): boolean {
  switch (kind) {
    case "backfill-requested":
    case "task-retry":
    case "task-cancel":
    case "stream-deploy":
    case "stream-stop":
    case "metadata-delete":
      return true;
    case "partition-landed":
    case "table-recreated":
    case "job-settled":
    case "configs-released":
    case "tick":
      return false;
  }
}
