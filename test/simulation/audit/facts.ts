import type { AlertDocument } from "../../../schemas/alerts.ts";
import type { CommandDocument } from "../../../schemas/commands.ts";
import type { Partition } from "../../../schemas/ids.ts";
import type { LandingsDocument, TableDocument } from "../../../schemas/landings.ts";
import type { MetadataDocument, MetadataRowsDocument } from "../../../schemas/metadata.ts";
import type { PlanDocument } from "../../../schemas/plan.ts";
import type { StreamDocument } from "../../../schemas/streams.ts";
import type { PoolDocument, Task } from "../../../schemas/tasks.ts";
import type { TraceEntry } from "../trace.ts";
import { alertStored } from "./alerts.ts";
import { streamAttemptsEnded } from "./attempts.ts";
import type { History, Stored, Touch } from "./history.ts";
import { planStored } from "./metadata.ts";
import { streamHistory } from "./streams.ts";

type Committed = Extract<TraceEntry, { kind: "table-commit" }>;

/** Adds a commit of a table to what truly happened. */
export function tableCommitted(history: History, entry: Committed): void {
  const { table, tableId, n, at, writtenAt, jobId } = entry;
  const known = history.lives.get(table);
  const life = known === undefined ? 0 : known.tableId === tableId ? known.life : known.life + 1;
  history.lives.set(table, { life, tableId });
  const touch = (day: Partition, there: boolean) =>
    add(history, table, day, { at, n, life, there, writtenAt, jobId });
  for (const day of entry.added) touch(day, true);
  for (const day of entry.emptied) touch(day, false);
}

/** A dropped table has none of its days any more; whoever makes it anew begins another life. */
export function tableDropped(history: History, entry: TraceEntry & { table: string }): void {
  const known = history.lives.get(entry.table);
  if (known === undefined) return;
  const life = known.life + 1;
  history.lives.set(entry.table, { life, tableId: "dropped" });
  for (const [day, touches] of history.touches.get(entry.table) ?? []) {
    if (touches.at(-1)?.there !== true) continue;
    add(history, entry.table, day, {
      at: entry.at,
      n: -1,
      life,
      there: false,
      writtenAt: entry.at,
      jobId: null,
    });
  }
}

function add(history: History, ...[table, day, touch]: [string, Partition, Touch]): void {
  const days = history.touches.get(table) ?? new Map<Partition, Touch[]>();
  history.touches.set(table, days);
  const touches = days.get(day) ?? [];
  days.set(day, touches);
  touches.push(touch);
}

/** Takes over a stored document, after the rules have looked at it. */
export function documentStored(history: History, { id, body, at }: Stored): void {
  const [collection = ""] = id.split("/", 1);
  const name = id.slice(collection.length + 1);
  switch (collection) {
    case "tasks":
      if (body !== null) history.tasks.set(name, body as Task);
      return;
    case "landings":
      if (body !== null) history.landings.set(name, body as LandingsDocument);
      return;
    case "cursors":
      if (!history.firstLooks.has(name)) history.firstLooks.set(name, at);
      return;
    case "consistency":
      history.published.set(name, at);
      return;
    case "commands":
      if (body !== null) history.commands.set(name, body as CommandDocument);
      return;
    case "plans":
      if (body !== null) planStored(history, body as PlanDocument, at);
      return;
    case "metadata":
      if (body !== null) history.metadata.head = body as MetadataDocument;
      return;
    case "metadata-rows":
      if (body === null) history.metadata.pages.delete(name);
      else history.metadata.pages.set(name, body as MetadataRowsDocument);
      return;
    case "alerts":
      return alertStored(history, { key: name, body: body as AlertDocument | null, at });
    case "streams":
      if (body !== null) streamStored(history, body as StreamDocument);
      return;
    case "tables":
      if (body !== null) firstDay(history, name, body as TableDocument);
      return;
    case "pools":
      if (body !== null) history.pools.set(name, (body as PoolDocument).holders);
  }
}

function streamStored(history: History, document: StreamDocument): void {
  streamHistory(history, document.config).document = document;
  streamAttemptsEnded(history, document);
}

function firstDay(history: History, table: string, { first }: TableDocument): void {
  if (first !== undefined) history.firstDays.set(table, first);
}
