import { draftOver } from "../../core/draft.ts";
import {
  documentsOfLandings,
  mergeGone,
  mergeLandings,
  mergeRecreated,
  type Seen,
} from "../../core/facts.ts";
import type { TableRecreated } from "../../schemas/events.ts";
import type { Partition } from "../../schemas/ids.ts";
import { type Committing, untilCommitted } from "./committing.ts";

/** Landings that one commit of facts holds: each touches at most two documents. */
const landingsPerCommit = 150;

/** Months of a table that one commit looks through. */
const monthsPerCommit = 200;

/**
 * Another dispatcher that stores landings of the same tables makes copies here stale: a commit of many is
 * then refused nearly always. So once one was, they are read before they are merged, until a reading
 * finds them as they were known.
 */
export interface Storing extends Committing {
  othersStore: boolean;
}

/**
 * Merges landings into their documents. Resolves once all are durable. What a document here has
 * already is durable, however old the copy: landings only grow, so nothing is committed for it.
 */
export async function storeFacts(storing: Storing, told: readonly Seen[]): Promise<void> {
  for (let at = 0; at < told.length; at += landingsPerCommit) {
    const page = told.slice(at, at + landingsPerCommit);
    if (storing.othersStore) storing.othersStore = await readAnew(storing, page);
    await untilCommitted(storing, (conflicts) => {
      if (conflicts > 0) storing.othersStore = true;
      const draft = draftOver(storing.documents.known);
      mergeLandings(draft, page);
      const changes = draft.changes();
      const isNews = changes.writes.length > 0;
      return { changes: isNews ? changes : { writes: [], checks: [] }, result: undefined };
    });
  }
}

/** Reads the documents of landings again; whether one was another than it was known here. */
async function readAnew({ documents }: Storing, page: readonly Seen[]): Promise<boolean> {
  const ids = documentsOfLandings(page);
  const before = ids.map((id) => documents.known.get(id));
  await documents.read(ids);
  return ids.some((id, at) => {
    const known = before[at];
    return known !== undefined && known.version !== documents.known.get(id)?.version;
  });
}

/**
 * Stores that a table was made anew. From then on nothing of its former log counts; answers the
 * partitions that are gone with it.
 */
export async function storeRecreated(
  committing: Committing,
  event: TableRecreated,
): Promise<Partition[]> {
  const { documents, clock } = committing;
  const months = await untilCommitted(committing, () => {
    const draft = draftOver(documents.known);
    const ids = mergeRecreated(draft, event, clock.now());
    return { changes: draft.changes(), result: ids };
  });
  const gone: Partition[] = [];
  for (let at = 0; at < months.length; at += monthsPerCommit) {
    const page = months.slice(at, at + monthsPerCommit);
    const days = await untilCommitted(committing, () => {
      const draft = draftOver(documents.known);
      const result = mergeGone(draft, page, event.epoch);
      return { changes: draft.changes(), result };
    });
    gone.push(...days);
  }
  return gone;
}
