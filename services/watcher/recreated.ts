import { addDays, partitionAt } from "../../core/dates.ts";
import type { LakeTable } from "../../core/lake-layout.ts";
import { landingsIds } from "../../core/landings.ts";
import type { TableLandings } from "../../lake/delta-reader.ts";
import type { PartitionLanded } from "../../schemas/events.ts";
import type { TableName } from "../../schemas/ids.ts";
import type { Landing, LandingsDocument } from "../../schemas/landings.ts";
import { type Following, landed } from "./followed.ts";

/** How far beyond today partitions of a table may lie. */
const daysAhead = 366;

/**
 * Partitions that had landed in a table which was made anew and does not have them any more. What
 * had landed is read from the dispatcher's documents, as nobody else remembers it.
 */
export async function goneWithTheOld(
  following: Following,
  table: LakeTable,
  seen: TableLandings,
): Promise<PartitionLanded[]> {
  const events: PartitionLanded[] = [];
  for (const { name } of table.landsAs) {
    for (const document of await knownLandings(following, name)) {
      for (const [partition, known] of Object.entries(document.partitions)) {
        const isOld = known.version.epoch < seen.epoch && known.state === "landed";
        if (!isOld || seen.landings.get(name)?.has(partition) === true) continue;
        const landing: Landing = {
          state: "gone",
          version: { epoch: seen.epoch, n: Math.max(0, seen.version) },
          at: following.clock.now(),
          seenBy: "delta",
        };
        events.push(landed(name, partition, { landing, backlog: false }));
      }
    }
  }
  return events;
}

/** The landings documents of a table, from its first partition on. */
async function knownLandings(
  { store, clock }: Following,
  table: TableName,
): Promise<LandingsDocument[]> {
  const id = `tables/${table}` as const;
  const known = (await store.read([id])).get(id)?.body as { first: string } | null | undefined;
  if (known == null) return [];
  const end = addDays(partitionAt(clock.now()), daysAhead);
  const read = await store.read(landingsIds(table, { start: known.first, end }));
  return [...read.values()].flatMap(({ body }) =>
    body === null ? [] : [body as LandingsDocument],
  );
}
