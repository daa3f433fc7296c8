/**
 * A W3C trace context as a `traceparent` writes it: what a line of log, a message or a job belongs to.
 * It is for people who follow one landing through the services; nothing is decided by it.
 */
export type Trace = string;

/** Version, trace, span, flags; ids of zeros only, and version ff, are none. */
const form = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})$/;

/** Undefined for what is no trace context: others write them, too. */
export function readTrace(text: unknown): Trace | undefined {
  return typeof text === "string" && form.test(text) ? text : undefined;
}

/** Its parts; null for what is no trace context. */
export function partsOfTrace(
  text: string,
): { readonly trace: string; readonly span: string; readonly sampled: boolean } | null {
  const [, trace, span, flags] = form.exec(text) ?? [];
  if (trace === undefined || span === undefined || flags === undefined) return null;
  return { trace, span, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}
