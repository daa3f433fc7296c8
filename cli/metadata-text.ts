import type { EpochMs } from "../schemas/ids.ts";
import type { MetadataDocument, MetadataRowsDocument } from "../schemas/metadata.ts";

export interface MetadataState {
  readonly head: MetadataDocument | null;
  readonly rows: MetadataRowsDocument["rows"];
  /** How many configs have a step of their own that uploads them; none when left out. */
  readonly byJobs?: number;
}

/** How the online store's metadata stands, for people: times are UTC. */
export function metadataText({ head, rows, byJobs = 0 }: MetadataState): string {
  const configs = byJobs === 1 ? "1 config" : `${byJobs} configs`;
  const jobs = [["by jobs", `${configs}, tasks of pipeline chronon_metadata: landfall tasks`]];
  const lines = [...(head === null ? [] : ledgerLines(head, rows)), ...(byJobs === 0 ? [] : jobs)];
  if (lines.length === 0) return "no metadata was uploaded yet";
  return lines.map(([name = "", what = ""]) => `${name.padEnd(14)}${what}`).join("\n");
}

function ledgerLines(head: MetadataDocument, rows: MetadataState["rows"]): string[][] {
  const { table, uploaded, refreshedAt, trouble, remark, writing } = head;
  const lines = [["table", table]];
  if (uploaded === null) lines.push(["uploaded", "never completely"]);
  else {
    const { at, effectiveBy, release, changed } = uploaded;
    lines.push(
      ["release", release.slice(0, 12)],
      ["rows", `${uploaded.rows}, of which ${changed} changed`],
      ["uploaded at", shown(at)],
      ["effective by", `${shown(effectiveBy)}, when no fetcher has an earlier row in its cache`],
    );
  }
  if (refreshedAt !== null) lines.push(["refreshed at", shown(refreshedAt)]);
  if (trouble !== null) {
    lines.push(["trouble", `${trouble.sentence} (since ${shown(trouble.since)}; tried again)`]);
  }
  if (trouble === null && writing !== null) lines.push(["writing", writing.by]);
  if (remark !== null) lines.push(["remark", remark]);
  for (const [key, { gone }] of Object.entries(rows).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (gone === undefined) continue;
    const isAsked = head.asked?.includes(key) === true;
    const times = `since ${shown(gone.since)}, written at ${shown(gone.writtenAt)}`;
    lines.push(["gone", `${key}: ${times}${isAsked ? "; to be deleted" : ""}`]);
  }
  return lines;
}

function shown(at: EpochMs): string {
  return new Date(at).toISOString().replace("T", " ").slice(0, 19);
}
