import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { directoryObjectStore } from "../../adapters/embedded/object-store.ts";
import { type LakeTable, lakeLayout } from "../../core/lake-layout.ts";
import { commitObject } from "../../lake/delta-log.ts";
import { commitDelta } from "../../lake/delta-writer.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { PlanTable } from "../../schemas/plan.ts";

/** An empty lake in a folder of its own. */
export function temporaryLake(): { root: string; lake: ObjectStore; remove(): void } {
  const root = mkdtempSync(join(tmpdir(), "landfall-lake-"));
  return {
    root,
    lake: directoryObjectStore({ root }),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

export function planTable(name: string, more: Partial<PlanTable> = {}): PlanTable {
  return {
    name,
    external: true,
    partitionColumns: ["ds"],
    partitionFormat: "yyyy-MM-dd",
    ...more,
  };
}

/** The lake table of plan tables that belong together. */
export function lakeTableOf(...tables: PlanTable[]): LakeTable {
  const [found] = lakeLayout(tables, {}).tables.values();
  if (found === undefined) throw new Error("the tables lie nowhere");
  return found;
}

/** Actions of a Delta log as a foreign writer would write them. */
export const actions = {
  metaData: (id: string, ...partitionColumns: string[]) => ({
    metaData: {
      id,
      format: { provider: "parquet", options: {} },
      schemaString: JSON.stringify({
        type: "struct",
        fields: partitionColumns.map((name) => ({
          name,
          type: "string",
          nullable: true,
          metadata: {},
        })),
      }),
      partitionColumns,
      configuration: {},
    },
  }),
  add: (path: string, partitionValues: Record<string, string | null>, more: object = {}) => ({
    add: {
      path,
      partitionValues,
      size: 100,
      modificationTime: 1_000,
      dataChange: true,
      stats: '{"numRecords":10}',
      ...more,
    },
  }),
  remove: (
    path: string,
    partitionValues: Record<string, string | null> | null,
    more: object = {},
  ) => ({
    remove: {
      path,
      deletionTimestamp: 1_000,
      dataChange: true,
      ...(partitionValues === null ? {} : { partitionValues }),
      ...more,
    },
  }),
};

/** Writes a commit of a log, as its bytes or its actions. */
export async function writeCommit(
  lake: ObjectStore,
  path: string,
  { version, body }: { version: number; body: string | readonly object[] },
): Promise<void> {
  const text =
    typeof body === "string" ? body : body.map((action) => JSON.stringify(action)).join("\n");
  await lake.write(commitObject(path, version), Buffer.from(text));
}

/** Appends days of 10 rows each to a Delta table, as a writer that is not Landfall's would. */
export async function landByOthers(
  lake: ObjectStore,
  path: string,
  { days, at }: { readonly days: readonly string[]; readonly at: number },
): Promise<void> {
  await commitDelta(
    lake,
    { path, partitionColumn: "ds" },
    {
      partitions: days.map((partition) => ({ partition, rows: 10 })),
      mode: "append",
      operation: "WRITE",
      engineInfo: "somebody else",
      at,
    },
  );
}
