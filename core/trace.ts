import type { Trace } from "../schemas/trace.ts";
import { sha256Hex } from "./hash.ts";

/** The trace that a cause begins: the same one whoever works it out, also after a crash. */
export function traceOf(cause: string): Trace {
  const hash = sha256Hex(cause);
  return `00-${hash.slice(0, 32)}-${hash.slice(32, 48)}-01`;
}
