import { draftOver } from "../../core/draft.ts";
import { mergeGone, mergeLandings, mergeRecreated, type Seen } from "../../core/facts.ts";
import type { TableRecreated } from "../../schemas/events.ts";
import type { Partition } from "../../schemas/ids.ts";
import { type Committing, untilCommitted } from "./committing.ts";

/** Landings that one commit of facts holds: each touches at most two documents. */
const landingsPerCommit = 150;

/** Months of a table that one commit looks through. */
const monthsPerCommit = 200;

/**
 * Merges landings into their documents. Resolves once all are durable. What a document here has
 * already is durable, however old the copy: landings only grow, so nothing is committed for it.
 */
export async function storeFacts(committing: Committing, told: readonly Seen[]): Promise<void> {
  for (let at = 0; at < told.length; at += landingsPerCommit) {
    const page = told.slice(at, at + landingsPerCommit);
    await untilCommitted(committing, () => {
      const draft = draftOver(committing.documents.known);
      mergeLandings(draft, page);
      const changes = draft.changes();
      const isNews = changes.writes.length > 0;
      return { changes: isNews ? changes : { writes: [], checks: [] }, result: undefined };
    });
  }
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
