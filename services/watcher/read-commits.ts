import { commitObject, listCommits, logBeginning, readLog } from "../../lake/delta-log.ts";
import type { PartitionLanded } from "../../schemas/events.ts";
import { eventsOfCommit, nextCursor } from "./commit-events.ts";
import { type Following, type Known, publishedTogether, rememberGeneration } from "./followed.ts";
import { hold, missing, type Problem } from "./held-commit.ts";
import { readWhole } from "./read-whole.ts";

/** Reads commits after the cursor until there are no more, or one cannot be read. */
export async function readOn(following: Following, table: Known): Promise<void> {
  let listed = -1;
  for (;;) {
    const stopped = await readCommits(following, table, listed);
    const { contiguous } = table.cursor;
    if (stopped === null) {
      if (table.newestHeard <= contiguous) return;
      const later = await listCommits(following.lake, table.path, contiguous + 1);
      const [next] = later;
      listed = later.at(-1)?.version ?? -1;
      table.newestHeard = -1;
      if (next === undefined) return;
      if (next.version > contiguous + 1 && !(await passGap(following, table, next.version))) return;
    } else if (!(await passBroken(following, table, stopped))) return;
  }
}

/**
 * Publishes commit after commit; the first at once, the others together while catching up. Past what
 * was heard of or `listed` nothing is asked for: that there is no next commit costs as much to read
 * as a commit.
 */
async function readCommits(
  following: Following,
  table: Known,
  listed: number,
): Promise<Problem | null> {
  let { cursor } = table;
  let pending: PartitionLanded[] = [];
  const read: { version: number; generation: number }[] = [];
  const publish = async () => {
    if (pending.length > 0) await following.publish(pending);
    pending = [];
    table.cursor = cursor;
    for (const { version, generation } of read.splice(0))
      rememberGeneration(table, version, generation);
  };
  let published = 0;
  for await (const found of readLog(following.lake, table.path, cursor.contiguous + 1)) {
    if (found.kind === "absent") break;
    if (found.kind !== "commit") {
      await publish();
      return found;
    }
    cursor = nextCursor(cursor, found);
    pending.push(...(await eventsOfCommit(following, table, { found, cursor })));
    read.push(found);
    published += 1;
    if (published === 1 || pending.length >= publishedTogether) await publish();
    if (cursor.contiguous >= Math.max(listed, table.newestHeard)) break;
  }
  await publish();
  if (published > 0) table.held = null;
  return null;
}

/**
 * A hole in the log. Its beginning may have been cleaned up: then what is left is read whole.
 * Otherwise the missing commit is waited for, as a copy of a log may come in any order.
 */
async function passGap(following: Following, table: Known, next: number): Promise<boolean> {
  const { path, cursor } = table;
  const { first, checkpointed } = await logBeginning(following.lake, path);
  if (checkpointed && first !== null && first > cursor.contiguous + 1) {
    await readWhole(following, table, path);
    return false;
  }
  const problem = missing(cursor.contiguous + 1);
  if (!hold(following, table, { path, problem })) return false;
  skipTo(following, table, next - 1);
  return true;
}

/** Whether a commit that cannot be read was passed over, so that reading goes on. */
async function passBroken(following: Following, table: Known, problem: Problem): Promise<boolean> {
  if (!hold(following, table, { path: table.path, problem })) return false;
  const [later] = await listCommits(following.lake, table.path, problem.version + 1);
  if (later === undefined) return false;
  skipTo(following, table, problem.version);
  rememberGeneration(table, problem.version, problem.generation);
  return true;
}

function skipTo({ log }: Following, table: Known, version: number): void {
  const from = table.cursor.contiguous + 1;
  const which = from === version ? `commit ${version}` : `commits ${from} to ${version}`;
  log.error(
    { table: table.cursor.table, object: commitObject(table.path, from) },
    `${which} of ${table.path} cannot be read and was passed over: what it landed is not known until it is repaired, or landed by hand`,
  );
  table.cursor = { ...table.cursor, contiguous: version };
  table.held = null;
}
