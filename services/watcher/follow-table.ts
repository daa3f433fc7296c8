import type { Located } from "../../core/lake-layout.ts";
import { own } from "../../core/own.ts";
import { deltaPath } from "../../lake/delta-reader.ts";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import { followDelta } from "./follow-delta.ts";
import { lookForMarkers, publishMarkers } from "./follow-markers.ts";
import { type Followed, type Following, isUntold, tellOnce } from "./followed.ts";

/**
 * Looks at one table: publishes what is new in it and moves its cursor. When the world does not
 * answer, that is said once, and the table is looked at again later; others go on.
 */
export async function followTable(
  following: Following,
  table: Followed,
  locate: (name: string) => Located | null,
): Promise<void> {
  try {
    table.path ??= await deltaPath(following.lake, table.table);
    if (table.path !== null) {
      if (table.markers.splice(0).length > 0) {
        tellOnce(
          table,
          following.log,
          `${table.table.name} is a Delta table; its _SUCCESS markers land nothing`,
        );
      }
      await followDelta(following, table, table.path);
    } else {
      if (needsLooking(following, table)) await lookForMarkers(following, table, locate);
      await publishMarkers(following, table);
    }
    table.failing = false;
  } catch (cause) {
    if (!(cause instanceof RetryableError) && !(cause instanceof PermanentError)) throw cause;
    table.failing = true;
    tellOnce(table, following.log, `${table.table.name} cannot be looked at: ${cause.message}`);
  }
}

/**
 * Looking through all objects of a table is done once by each process, for markers that came while none
 * looked, and again only where markers are used.
 */
function needsLooking({ settings }: Following, followed: Followed): boolean {
  const { table, searched, marked } = followed;
  const isTold = own(settings.tables, table.name)?.closing?.when === "marker";
  return isUntold(followed) || !searched || marked || isTold;
}
