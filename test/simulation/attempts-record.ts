import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { LiveFile } from "./lake-record.ts";
import type { Happening } from "./trace.ts";

/** Where the table of finished attempts lies. */
export const attemptsPath = "landfall/job_metrics";

/** All rows of the table of finished attempts, read with nothing of what writes it. */
export async function attemptsCounted(
  lake: ObjectStore,
  files: readonly LiveFile[],
): Promise<Happening> {
  const rows: Extract<Happening, { kind: "attempts-counted" }>["rows"][number][] = [];
  for (const { path, day } of files) {
    const object = await lake.read(`${attemptsPath}/${path}`);
    if (object === null) throw new Error(`${path} is in the log and not in the lake`);
    const file = new Uint8Array(object.bytes).buffer;
    for (const row of await parquetReadObjects({ file, compressors })) {
      rows.push({ jobId: String(row["job_id"]), day, state: String(row["state"]) });
    }
  }
  return { kind: "attempts-counted", rows };
}
