import type { Trace } from "../schemas/trace.ts";

/** The part of a structured logger (pino's shape) that services use. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const silentLog: Log = { info() {}, warn() {}, error() {} };

/** The field by which a line joins a trace; none without one. */
export function inTrace(trace: Trace | undefined): { readonly traceparent?: Trace } {
  return trace === undefined ? {} : { traceparent: trace };
}
