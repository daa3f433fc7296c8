import { firstGeneration, listCommits, logBeginning, readCommit } from "../../lake/delta-log.ts";
import { eventsOfCommit } from "./commit-events.ts";
import {
  type Followed,
  type Following,
  isUntold,
  type Known,
  rememberGeneration,
  tellOnce,
} from "./followed.ts";
import { hold, missing } from "./held-commit.ts";
import { readOn } from "./read-commits.ts";
import { readWhole } from "./read-whole.ts";

/**
 * Brings a Delta table up to date: publishes what its log says beyond the cursor and moves the
 * cursor after that. A table new to the plan is read whole, as backlog.
 */
export async function followDelta(
  following: Following,
  table: Followed,
  path: string,
): Promise<void> {
  if (table.cursor === null || isUntold(table)) return readFirst(following, table, path);
  const known = Object.assign(table, { path, cursor: table.cursor });
  if (known.compared && known.verified && known.again.size === 0) {
    return readOn(following, known);
  }
  let again: Iterable<number> = [...known.again];
  known.again.clear();
  known.compared = true;
  try {
    const { later, rewritten } = await compare(following, known, again);
    again = rewritten;
    if (later || known.held !== null) await readOn(following, known);
    for (const version of rewritten) await readAgain(following, known, version);
  } catch (cause) {
    // What was not done for an answer that did not come is left for the next time.
    known.compared = false;
    for (const version of again) known.again.add(version);
    throw cause;
  }
}

/** What a log holds beside what was read. */
interface Compared {
  /** There are later commits. */
  readonly later: boolean;
  /** Commits that were written over after they were read. */
  readonly rewritten: ReadonlySet<number>;
}

/** Lists the log from the cursor on and makes sure that it is the one the cursor was in; reads another one whole. */
async function compare(
  following: Following,
  table: Known,
  notified: Iterable<number>,
): Promise<Compared> {
  const { lake, log } = following;
  const { path, cursor } = table;
  const { contiguous } = cursor;
  const rewritten = new Set([...notified].filter((version) => version <= contiguous));
  const here = await listCommits(lake, path, Math.max(0, contiguous));
  table.newestHeard = here.at(-1)?.version ?? -1;
  if (contiguous < 0) {
    table.verified = true;
    return { later: here.length > 0, rewritten };
  }
  if (here.length === 0 && (await listCommits(lake, path)).length === 0) {
    tellOnce(table, log, `the Delta log of ${cursor.table} is gone from ${path}`);
    return { later: false, rewritten: new Set() };
  }
  const beginning = await firstGeneration(lake, path);
  const known = table.generations.get(contiguous);
  const atCursor = here[0]?.version === contiguous ? here[0].generation : known;
  if (known !== undefined && known !== atCursor) rewritten.add(contiguous);
  const beginsAnew = beginning !== table.beginning;
  const suspect = !table.verified || beginsAnew || rewritten.size > 0 || here.length === 0;
  if (suspect && (here.length === 0 || !(await hasSameId(following, table)))) {
    await readWhole(following, table, path);
    return { later: true, rewritten: new Set() };
  }
  table.verified = true;
  table.beginning = beginning;
  return { later: table.newestHeard > contiguous, rewritten };
}

/** Whether the log still begins with the table the cursor was in, as far as that can be seen. */
async function hasSameId({ lake }: Following, { path, cursor }: Known): Promise<boolean> {
  const first = await readCommit(lake, path, 0);
  const metaData = first.kind === "commit" ? first.commit.metaData : null;
  return metaData === null || metaData.id === cursor.tableId;
}

async function readAgain(following: Following, table: Known, version: number): Promise<void> {
  const found = await readCommit(following.lake, table.path, version);
  if (found.kind !== "commit" || table.generations.get(version) === found.generation) return;
  const events = await eventsOfCommit(following, table, { found, cursor: table.cursor });
  await following.publish(events);
  rememberGeneration(table, version, found.generation);
}

/** Reads a table that is new to the plan, once its log has its beginning. */
async function readFirst(following: Following, table: Followed, path: string): Promise<void> {
  const { first, checkpointed } = await logBeginning(following.lake, path);
  const waits = first !== null && first > 0 && !checkpointed;
  if (waits && !hold(following, table, { path, problem: missing(0) })) return;
  await readWhole(following, table, path);
}
