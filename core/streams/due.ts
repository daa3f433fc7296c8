import type { EpochMs } from "../../schemas/ids.ts";
import type { Settings } from "../../schemas/settings.ts";
import type { StreamDocument } from "../../schemas/streams.ts";
import { skewMs } from "./observe.ts";

/** Distance of looks at a stream that is on its way somewhere. */
const soonMs = 10_000;

/** When a stream is looked at again although nothing is heard of it. */
export function nextLookAt(
  { state }: Pick<StreamDocument, "state">,
  { now, settings }: { readonly now: EpochMs; readonly settings: Settings["streams"] },
): EpochMs {
  const check = now + settings.checkMs;
  switch (state.kind) {
    case "launching":
      return Math.min(check, now + soonMs, Math.max(now, state.submitBy + skewMs));
    case "starting":
    case "cancelling":
      return Math.min(check, now + soonMs);
    case "backing-off":
      return Math.min(check, Math.max(now, state.notBefore));
    case "waiting":
    case "running":
    case "unhealthy":
    case "held":
    case "gone":
      return check;
  }
}
