import type { Checkpoint, Manifest, StreamDocument } from "../../schemas/streams.ts";
import { flinkJobOf } from "./flink-state.ts";
import type { StreamLook } from "./look.ts";

/** Where a stream's next job begins. */
export type Restore =
  | { readonly kind: "anew" }
  | { readonly kind: "from"; readonly checkpoint: Checkpoint }
  /** It had state, and which is the newest cannot be said, or it is gone. */
  | { readonly kind: "lost"; readonly sentence: string };

/**
 * From the newest complete checkpoint of the Flink job that the manifest names (S4). Chronon's own
 * `--latest-savepoint` begins anew when it finds none; a stream that had one does not. A job that
 * began anew and never came to write a manifest is begun anew again: the manifest is of what was
 * before it.
 */
export function restoreOf(
  document: Pick<StreamDocument, "checkpoint" | "attempts" | "asked">,
  look: Pick<StreamLook, "manifest" | "checkpoint" | "originThere">,
): Restore {
  const newest = document.checkpoint;
  const { manifest } = look;
  switch (manifest.kind) {
    case "unreadable":
      return lost(unreadable(manifest.reason));
    case "broken":
      return lost("its manifest is not whole, so nobody can say which checkpoint is the newest");
    case "none": {
      if (isStillBeginning(document, null)) return { kind: "anew" };
      const hadOne = newest !== null || document.attempts.some((each) => each.confirmedAt !== null);
      return hadOne ? lost("its manifest was there before and is gone") : { kind: "anew" };
    }
    case "names":
      if (isStillBeginning(document, look.checkpoint)) return { kind: "anew" };
      return look.checkpoint === null
        ? withoutCheckpoint(document, look.originThere, manifest.manifest)
        : withCheckpoint(newest, look.checkpoint);
  }
}

function isStillBeginning(
  { attempts, asked }: Pick<StreamDocument, "attempts" | "asked">,
  found: Checkpoint | null,
): boolean {
  const last = attempts.at(-1);
  if (last === undefined || asked !== null) return false;
  if (last.from !== null || last.confirmedAt !== null) return false;
  return found === null || found.at <= last.claimedAt;
}

/** An older one of another Flink job: the manifest is of an earlier life of the stream. */
function withCheckpoint(newest: Checkpoint | null, found: Checkpoint): Restore {
  const isStale =
    newest !== null && newest.at > found.at && flinkJobOf(newest) !== flinkJobOf(found);
  if (!isStale) return { kind: "from", checkpoint: found };
  return lost(`its manifest is stale: it leads to ${found.path}, and ${newest.path} is newer`);
}

/** The job that the manifest names made none yet: what that one began from is still the newest. */
function withoutCheckpoint(
  { checkpoint: newest, attempts }: Pick<StreamDocument, "checkpoint" | "attempts">,
  originThere: boolean,
  { parentJobId, flinkJobId }: Manifest,
): Restore {
  if (newest === null) return { kind: "anew" };
  const named = attempts.find(({ jobId }) => jobId === parentJobId);
  if (named?.from === null && flinkJobOf(newest) !== flinkJobId) return { kind: "anew" };
  const origin = named?.from ?? null;
  if (originThere && origin?.path === newest.path) return { kind: "from", checkpoint: origin };
  return lost(`its checkpoint ${newest.path} was there before and none is now`);
}

/** What is wrong with state that nobody can look at, for people. */
export function unreadable(reason: string): string {
  return `the state of Flink cannot be read (${reason})`;
}

function lost(sentence: string): Restore {
  return { kind: "lost", sentence };
}
