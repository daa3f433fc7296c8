import { z } from "zod";
import { LandfallEvent } from "./events.ts";

/** A published body, or what was found instead and why it is not one of our events. */
export type ReadEvent =
  | { readonly kind: "event"; readonly event: LandfallEvent }
  | { readonly kind: "unreadable"; readonly found: unknown; readonly reason: string };

/** Never throws: whatever anybody published is one or the other. */
export function readEvent(body: string): ReadEvent {
  let found: unknown;
  try {
    found = JSON.parse(body);
  } catch (cause) {
    return { kind: "unreadable", found: body, reason: `not JSON: ${(cause as Error).message}` };
  }
  const parsed = LandfallEvent.safeParse(found);
  if (parsed.success) return { kind: "event", event: parsed.data };
  const reason = z.prettifyError(parsed.error).replaceAll(/\s*\n\s*/g, " ");
  return { kind: "unreadable", found, reason: `not an event: ${reason}` };
}
