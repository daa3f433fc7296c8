import type { LakeTable, Located } from "../../core/lake-layout.ts";
import { compareVersions, landingsId } from "../../core/landings.ts";
import { own } from "../../core/own.ts";
import type { ObjectInfo } from "../../ports/object-store.ts";
import type { DocumentId } from "../../schemas/documents.ts";
import type { PartitionLanded } from "../../schemas/events.ts";
import type { Landing, LandingsDocument } from "../../schemas/landings.ts";
import type { Settings } from "../../schemas/settings.ts";
import {
  emptyCursor,
  type Followed,
  type Following,
  isUntold,
  landed,
  type Marker,
  toldCursor,
} from "./followed.ts";

/** Names listed at once. */
const pageNames = 1_000;

/** Publishes the markers that were notified. */
export async function publishMarkers(following: Following, table: Followed): Promise<void> {
  const markers = table.markers.splice(0);
  if (markers.length === 0) return;
  table.marked = true;
  try {
    await following.publish(markers.flatMap((marker) => eventsOf(following, marker)));
  } catch (cause) {
    table.markers.unshift(...markers);
    throw cause;
  }
}

/**
 * Looks through a table without a Delta log for markers nobody told of, and publishes those whose
 * landing is not known yet; as backlog when the table is new to the plan.
 */
export async function lookForMarkers(
  following: Following,
  table: Followed,
  locate: (name: string) => Located | null,
): Promise<void> {
  const { table: lakeTable } = table;
  const backlog = isUntold(table);
  if (backlog) table.cursor = await following.begin({ ...emptyCursor(lakeTable), telling: true });
  const markers: Marker[] = [];
  for (const path of lakeTable.paths) {
    for await (const object of objectsBelow(following, `${path}/`)) {
      const found = object.name.endsWith("/_SUCCESS") ? locate(object.name) : null;
      if (found?.kind === "marker") markers.push({ ...found, object });
    }
  }
  if (markers.length > 0) table.marked = true;
  const news = await notKnown(
    following,
    markers.flatMap((marker) => eventsOf(following, marker)),
  );
  await following.publish(news.map((event) => ({ ...event, backlog })));
  if (backlog && table.cursor !== null) table.cursor = toldCursor(lakeTable, table.cursor);
  table.searched = true;
}

async function* objectsBelow({ lake }: Following, prefix: string): AsyncGenerator<ObjectInfo> {
  for (let after = ""; ; ) {
    const page = await lake.list(prefix, { limit: pageNames, ...(after === "" ? {} : { after }) });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageNames) return;
    after = last.name;
  }
}

/** The landings a marker tells of. The marker of an hour does not close the day. */
function eventsOf({ settings }: Following, marker: Marker): PartitionLanded[] {
  const { table, partition, rest, object } = marker;
  const landing: Landing = {
    state: "landed",
    version: { epoch: 0, n: object.generation },
    at: object.updatedAt,
    seenBy: "marker",
  };
  return table.landsAs
    .filter(({ fixed }) => isToldBy(fixed, rest) || isDayOpen(table, fixed, settings))
    .map(({ name }) => landed(name, partition, { landing, backlog: false }));

  function isDayOpen(
    { name }: LakeTable,
    fixed: Readonly<Record<string, string>>,
    { tables, externalClosing }: Settings,
  ): boolean {
    const { when } = own(tables, name)?.closing ?? externalClosing;
    return Object.keys(fixed).length === 0 && when !== "marker";
  }
}

/** A day's marker tells of the day and all its parts, an hour's marker of that hour. */
function isToldBy(
  fixed: Readonly<Record<string, string>>,
  rest: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(rest).every(
    ([column, value]) => Object.hasOwn(fixed, column) && fixed[column] === value,
  );
}

/** Events whose landing is newer than what the dispatcher's documents hold. */
async function notKnown(
  { store }: Following,
  events: readonly PartitionLanded[],
): Promise<PartitionLanded[]> {
  if (events.length === 0) return [];
  const ids = new Set<DocumentId>(events.map((event) => landingsId(event.table, event.partition)));
  const read = await store.read([...ids]);
  return events.filter(({ table, partition, landing }) => {
    const document = read.get(landingsId(table, partition))?.body as
      | LandingsDocument
      | null
      | undefined;
    const known = document?.partitions[partition];
    return known === undefined || compareVersions(landing.version, known.version) > 0;
  });
}
