import type { LakeLayout, Located } from "../../core/lake-layout.ts";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import type { ObjectNotification, ObjectStore } from "../../ports/object-store.ts";
import type { CursorDocument } from "../../schemas/documents.ts";
import type { TableName } from "../../schemas/ids.ts";
import { type Cursors, cursorsOf } from "./cursors.ts";
import { followTable } from "./follow-table.ts";
import { type Followed, type Following, followed, isUntold } from "./followed.ts";
import type { Wanted } from "./one-per-key.ts";
import { type PlanLayout, planLayout } from "./plan-layout.ts";

export interface FollowLakeOptions extends Omit<Following, "begin"> {
  readonly configs: ObjectStore;
  readonly reconcileMs: number;
  readonly beatMs: number;
}

/** Every table of the plan, and how far each was read. */
export interface FollowedLake {
  /** The table a notification is about, when it brings news; null for nearly all of them. */
  heard(object: ObjectNotification): Wanted | null;
  /** Tables it is time to look at; reads which plan is current first. */
  due(): Promise<Wanted[]>;
  /** Looks at one table. */
  follow(table: TableName): Promise<void>;
  save(options?: { readonly all: boolean }): Promise<void>;
}

export function followLake(options: FollowLakeOptions): FollowedLake {
  const cursors = cursorsOf(options.store);
  const following = { ...options, begin: (cursor: CursorDocument) => cursors.begin(cursor) };
  const lake: Lake = {
    options,
    plan: planLayout(options),
    cursors,
    tables: new Map(),
    adopted: null,
    troubles: new Map(),
  };
  return {
    heard: (object) => heard(lake, object),
    due: () => due(lake),
    async follow(name) {
      const table = lake.tables.get(name);
      if (table !== undefined)
        await followTable(following, table, (object) => locate(lake, object));
    },
    save: (options) =>
      trying(lake, "save cursors", () => lake.cursors.save(lake.tables.values(), options)),
  };
}

interface Lake {
  readonly options: FollowLakeOptions;
  readonly plan: PlanLayout;
  readonly cursors: Cursors;
  /** In the order in which they are looked at next. */
  readonly tables: Map<TableName, Followed>;
  /** The layout whose tables these are. */
  adopted: LakeLayout | null;
  /** What fails at the moment, and why. */
  readonly troubles: Map<string, string>;
}

function locate({ plan }: Lake, objectName: string): Located | null {
  return plan.current()?.locate(objectName) ?? null;
}

function heard(lake: Lake, object: ObjectNotification): Wanted | null {
  const located = locate(lake, object.name);
  const table = located === null ? undefined : lake.tables.get(located.table.name);
  if (located === null || table === undefined) return null;
  const wanted = { key: located.table.name, urgent: true };
  if (located.kind === "marker") {
    table.markers.push({ ...located, object });
    return wanted;
  }
  table.path ??= located.path;
  return hear(table, located.version, object.generation) ? wanted : null;
}

async function due(lake: Lake): Promise<Wanted[]> {
  const { options, tables } = lake;
  let fresh: readonly TableName[] = [];
  await trying(lake, "read the plan", async () => {
    fresh = await adoptPlan(lake);
  });
  const failing = [...tables.values()].filter((table) => table.failing);
  const names = [
    ...fresh,
    ...failing.map(({ table }) => table.name),
    ...inTurn(tables, options.beatMs / options.reconcileMs),
  ];
  return names.map((key) => ({ key, urgent: false }));
}

/** Reads which plan is current; answers the tables that are new to it, or are read otherwise by it. */
async function adoptPlan(lake: Lake): Promise<readonly TableName[]> {
  const { plan, cursors, tables, options } = lake;
  await plan.refresh();
  const layout = plan.current();
  if (layout === null || layout === lake.adopted) return [];
  const stored = await cursors.load([...layout.tables.keys()].filter((name) => !tables.has(name)));
  const fresh: TableName[] = [];
  for (const name of tables.keys()) if (!layout.tables.has(name)) tables.delete(name);
  for (const table of layout.tables.values()) {
    const known = tables.get(table.name);
    if (known === undefined)
      tables.set(table.name, followed(table, stored.get(table.name) ?? null));
    else known.table = table;
    if (known === undefined || isUntold(known)) fresh.push(table.name);
  }
  for (const problem of layout.problems) options.log.error({}, problem);
  lake.adopted = layout;
  return fresh;
}

/** Does something that may fail for a while, and says so once. */
async function trying(
  { troubles, options }: Lake,
  doing: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
    troubles.delete(doing);
  } catch (cause) {
    if (!(cause instanceof RetryableError) && !(cause instanceof PermanentError)) throw cause;
    const { message } = cause;
    if (troubles.get(doing) !== message) {
      options.log.warn({ reason: message }, `cannot ${doing}; trying again`);
    }
    troubles.set(doing, message);
  }
}

/** Notes a notified commit; false when the very same was read already. */
function hear(table: Followed, version: number, generation: number): boolean {
  table.newestHeard = Math.max(table.newestHeard, version);
  if (table.generations.get(version) === generation) return false;
  if (table.cursor !== null && version <= table.cursor.contiguous) table.again.add(version);
  return true;
}

/** The next share of the tables, so that in the end all have had their turn. */
function inTurn(tables: Map<TableName, Followed>, share: number): TableName[] {
  const count = Math.min(tables.size, Math.ceil(tables.size * Math.min(1, share)));
  const turn = [...firstOf(tables.entries(), count)];
  for (const [name, table] of turn) {
    table.compared = false;
    tables.delete(name);
    tables.set(name, table);
  }
  return turn.map(([name]) => name);
}

function* firstOf<T>(all: Iterable<T>, count: number): Generator<T> {
  let left = count;
  for (const item of all) {
    if (left === 0) return;
    left -= 1;
    yield item;
  }
}
