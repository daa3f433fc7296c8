import { type DestinationStream, pino } from "pino";
import type { Log } from "../ports/log.ts";
import { partsOfTrace } from "../schemas/trace.ts";

/** pino's levels by the names that Cloud Logging knows. */
const severities: Readonly<Record<string, string>> = {
  trace: "DEBUG",
  debug: "DEBUG",
  info: "INFO",
  warn: "WARNING",
  error: "ERROR",
  fatal: "CRITICAL",
};

export interface ServiceLogOptions {
  readonly service: string;
  /** Project that traces belong to; without one they are not linked. */
  readonly project?: string;
  readonly to?: DestinationStream;
}

/**
 * The log of a service: a line of JSON each, as Cloud Logging reads it. A field `traceparent`
 * becomes the fields by which it joins the line to its trace.
 */
export function serviceLog({ service, project, to }: ServiceLogOptions): Log {
  const options = {
    base: { service, pid: process.pid },
    messageKey: "message",
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: {
      level: (label: string) => ({ severity: severities[label] ?? "DEFAULT" }),
      log: (fields: object) => traced(fields, project),
    },
  };
  return to === undefined ? pino(options) : pino(options, to);
}

function traced(fields: object, project: string | undefined): Record<string, unknown> {
  const { traceparent = "", ...rest } = fields as { readonly traceparent?: string };
  const parts = partsOfTrace(traceparent);
  if (parts === null || project === undefined) return rest;
  return {
    ...rest,
    "logging.googleapis.com/trace": `projects/${project}/traces/${parts.trace}`,
    "logging.googleapis.com/spanId": parts.span,
    "logging.googleapis.com/trace_sampled": parts.sampled,
  };
}
