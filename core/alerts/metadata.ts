import type { AlertSettings } from "../../schemas/alert-settings.ts";
import type { EpochMs } from "../../schemas/ids.ts";
import type { MetadataDocument } from "../../schemas/metadata.ts";
import { hourMs, partitionAt } from "../dates.ts";
import { firstLine, noTeam, type Signal } from "./signals.ts";

interface About {
  readonly now: EpochMs;
  readonly settings: AlertSettings;
  /** Every row is to be written again after so long. */
  readonly refreshMs: number;
}

/**
 * Whether metadata is not kept up: something is wrong with it for `metadataHours`, or its refresh is due
 * for so long. A table drops rows that are not written again, and then nothing of theirs is served.
 */
export function ofMetadata(
  head: MetadataDocument | null,
  { now, settings, refreshMs }: About,
): Signal[] {
  if (head === null) return [];
  const { table, trouble, refreshedAt } = head;
  const wrong = trouble === null ? [] : [trouble.since];
  const due = refreshedAt === null ? [] : [refreshedAt + refreshMs];
  const since = Math.min(...wrong, ...due) + settings.metadataHours * hourMs;
  if (now < since) return [];
  const says = [
    ...(trouble === null ? [] : [firstLine(trouble.sentence)]),
    refreshedAt === null
      ? "never were all its rows written"
      : `the day on which all its rows were last written is ${partitionAt(refreshedAt)}`,
  ];
  const line = `${table}: ${says.join("; ")}`;
  return [{ kind: "metadata-stale", team: noTeam, subject: table, cause: "", line, since }];
}
