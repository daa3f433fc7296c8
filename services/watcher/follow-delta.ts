import { isRestarted } from "../../core/epochs.ts";
import { compareVersions } from "../../core/landings.ts";
import {
  commitObject,
  type FoundCommit,
  firstGeneration,
  listCommits,
  logBeginning,
  readCommit,
  readLog,
} from "../../lake/delta-log.ts";
import { landingsOfState, type TableLandings } from "../../lake/delta-reader.ts";
import { withDeltaTable } from "../../lake/delta-table.ts";
import type { CursorDocument } from "../../schemas/documents.ts";
import type { PartitionLanded, TableRecreated } from "../../schemas/events.ts";
import { eventsOfCommit, nextCursor } from "./commit-events.ts";
import {
  emptyCursor,
  type Followed,
  type Following,
  isNew,
  landed,
  rememberGeneration,
  tellOnce,
} from "./followed.ts";

/** Events published together while a table catches up. */
const publishedTogether = 500;

/** A table whose Delta log lies at `path` and that was looked at before. */
type Known = Followed & { path: string; cursor: CursorDocument };

/**
 * Brings a Delta table up to date: publishes what its log says beyond the cursor and moves the
 * cursor after that. A table new to the plan is read whole, as backlog.
 */
export async function followDelta(
  following: Following,
  table: Followed,
  path: string,
): Promise<void> {
  if (table.cursor === null || isNew(table)) return readFirst(following, table, path);
  const known = Object.assign(table, { path, cursor: table.cursor });
  if (known.compared && known.verified && known.again.size === 0) {
    return readOn(following, known);
  }
  if ((await compare(following, known)) || known.held !== null) await readOn(following, known);
}

/**
 * Lists the log from the cursor on and makes sure that it is the one the cursor was in. Commits
 * that were written over after they were read are published again. True when there are later ones.
 */
async function compare(following: Following, table: Known): Promise<boolean> {
  const { lake, log } = following;
  const { path, cursor } = table;
  const { contiguous } = cursor;
  const again = new Set([...table.again].filter((version) => version <= contiguous));
  table.again.clear();
  const here = await listCommits(lake, path, Math.max(0, contiguous));
  table.compared = true;
  table.newestHeard = here.at(-1)?.version ?? -1;
  if (contiguous < 0) {
    table.verified = true;
    return here.length > 0;
  }
  if (here.length === 0 && (await listCommits(lake, path)).length === 0) {
    tellOnce(table, log, `the Delta log of ${cursor.table} is gone from ${path}`);
    return false;
  }
  const beginning = await firstGeneration(lake, path);
  const known = table.generations.get(contiguous);
  const atCursor = here[0]?.version === contiguous ? here[0].generation : known;
  if (known !== undefined && known !== atCursor) again.add(contiguous);
  const beginsAnew = beginning !== table.beginning;
  const suspect = !table.verified || beginsAnew || again.size > 0 || here.length === 0;
  if (suspect && (here.length === 0 || !(await hasSameId(following, table)))) {
    await readWhole(following, table, { path, backlog: false });
    return true;
  }
  table.verified = true;
  table.beginning = beginning;
  for (const version of again) await readAgain(following, table, version);
  return table.newestHeard > contiguous;
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
  await readWhole(following, table, { path, backlog: true });
}

/**
 * Publishes the newest state of every partition that is newer than the cursor, all of them when the
 * table was made anew or was never looked at.
 */
async function readWhole(
  following: Following,
  table: Followed,
  { path, backlog }: { readonly path: string; readonly backlog: boolean },
): Promise<void> {
  const { cursor } = table;
  const { seen, problem, restarted, begins } = await withDeltaTable(
    following.lake,
    path,
    ({ state, problem: found }) => ({
      seen: landingsOfState(state, table.table, cursor),
      problem: found,
      restarted: cursor !== null && isRestarted(state.named, cursor, state.version),
      begins: state.fromStart,
    }),
  );
  table.verified = true;
  table.beginning = undefined;
  if (!begins) {
    tellOnce(
      table,
      following.log,
      `the Delta log of ${table.table.name} does not begin at commit 0, and no checkpoint of it can be read: partitions written before are not known`,
    );
  }
  if (cursor === null && seen.version >= 0) {
    table.cursor = await following.begin({ ...cursorAt(table, seen), telling: true });
    if (table.cursor.telling !== true) return;
  }
  if (restarted) await following.publish(madeAnew(table, cursor));
  const events = restarted ? all(seen) : newsOf(seen, { cursor: table.cursor, backlog });
  await publishInPages(following, events);
  if (seen.version >= 0) {
    table.cursor = cursorAt(table, seen);
    table.generations.clear();
  }
  if (problem !== null) hold(following, table, { path, problem });
}

function cursorAt({ table }: Followed, seen: TableLandings): CursorDocument {
  return {
    ...emptyCursor(table.name),
    tableId: seen.tableId,
    epoch: seen.epoch,
    contiguous: seen.version,
    partitionColumns: [...seen.partitionColumns],
  };
}

/** Versions of the new log begin with the epoch after the cursor's, as `landingsOfState` counts them. */
function madeAnew({ table }: Followed, cursor: CursorDocument | null): TableRecreated[] {
  const epoch = 1 + (cursor?.epoch ?? 0);
  return table.landsAs.map(({ name }) => ({
    kind: "table-recreated",
    schema: 1,
    table: name,
    epoch,
  }));
}

/**
 * Everything of a table that was made anew, what is gone too: a watcher that died before it stored
 * where it was may have told that it landed.
 */
function all({ landings }: TableLandings): PartitionLanded[] {
  return [...landings].flatMap(([table, days]) =>
    [...days].map(([partition, landing]) => landed(table, partition, { landing, backlog: false })),
  );
}

/**
 * What is newer than the cursor; of a table that is told for the first time also, as backlog, all
 * that had landed before.
 */
function newsOf(
  seen: TableLandings,
  { cursor, backlog }: { readonly cursor: CursorDocument | null; readonly backlog: boolean },
): PartitionLanded[] {
  if (cursor === null) return [];
  const { epoch, contiguous: n } = cursor;
  return all(seen).flatMap((event) => {
    const { landing } = event;
    if (compareVersions(landing.version, { epoch, n }) > 0) return [event];
    const isOld = cursor.telling === true && landing.state === "landed";
    return isOld ? [{ ...event, backlog }] : [];
  });
}

async function publishInPages(
  following: Following,
  events: readonly PartitionLanded[],
): Promise<void> {
  for (let at = 0; at < events.length; at += publishedTogether) {
    await following.publish(events.slice(at, at + publishedTogether));
  }
}

/** Reads commits after the cursor until there are no more, or one cannot be read. */
async function readOn(following: Following, table: Known): Promise<void> {
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

type Problem = Exclude<FoundCommit, { kind: "commit" | "absent" }>;

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
    await readWhole(following, table, { path, backlog: cursor.contiguous < 0 });
    return false;
  }
  const problem = missing(cursor.contiguous + 1);
  if (!hold(following, table, { path, problem })) return false;
  skipTo(following, table, next - 1);
  return true;
}

function missing(version: number): Problem {
  return { kind: "unreadable", message: "is missing", version, generation: 0 };
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

/** Remembers a commit that cannot be read; true when patience with it is at an end. */
function hold(
  { log, clock, patienceMs }: Following,
  table: Followed,
  { path, problem }: { readonly path: string; readonly problem: Problem },
): boolean {
  const { version, generation, message } = problem;
  const { held } = table;
  if (held?.version === version && held.generation === generation) {
    return problem.kind === "unreadable" && clock.now() - held.since >= patienceMs;
  }
  table.held = { version, generation, since: clock.now() };
  const object = commitObject(path, version);
  log.error(
    { table: table.table.name, object },
    problem.kind === "unreadable"
      ? `${object} ${message}; it is read again when it changes, and later commits of the table wait for it for ${Math.round(patienceMs / 1_000)} s`
      : `${object} ${message}: the table's landings are not seen; land them by hand or update Landfall`,
  );
  return false;
}
