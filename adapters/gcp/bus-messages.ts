import { randomBytes } from "node:crypto";
import type { LandfallEvent } from "../../schemas/events.ts";

/** What is published: the event as JSON, and what can be read without opening it. */
export interface OutgoingMessage {
  readonly data: Buffer;
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * The attributes are for filters, dashboards and traces. Nobody who handles an event reads them: a
 * person who publishes a command by hand writes none.
 */
export function messageOf(event: LandfallEvent, traceparent: string): OutgoingMessage {
  return {
    data: Buffer.from(JSON.stringify(event)),
    attributes: { kind: event.kind, schema: `${event.schema}`, traceparent },
  };
}

/** A W3C trace context that begins here: version 00, new ids, sampled. */
export function newTraceparent(): string {
  return `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-01`;
}

/** Whether the event is one that people and foreign systems publish, on the topic that is theirs. */
export function isCommand({ kind }: LandfallEvent): boolean {
  switch (kind) {
    case "backfill-requested":
    case "task-retry":
    case "task-cancel":
      return true;
    case "partition-landed":
    case "table-recreated":
    case "job-settled":
    case "configs-released":
    case "tick":
      return false;
  }
}
