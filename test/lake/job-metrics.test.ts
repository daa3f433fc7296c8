import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { directoryObjectStore } from "../../adapters/embedded/object-store.ts";
import { jobMetrics } from "../../core/job-metrics.ts";
import { METRIC_COLUMNS } from "../../core/job-metrics-columns.ts";
import { jobMetricsTable, readJobMetrics } from "../../lake/job-metrics.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { JobMetric } from "../../schemas/job-metrics.ts";
import { MetricsSettings } from "../../schemas/metrics-settings.ts";
import { attempt, task } from "../support/documents.ts";

const path = "landfall/job_metrics";
const at = Date.parse("2025-10-01T06:00:00Z");
const about = {
  deployment: "landfall",
  settings: MetricsSettings.parse({ prices: { vcore: 0.05, memoryGb: 0.01 } }),
};

/** A row of attempt `n`, which ended on the given day. */
function row(n: number, day = "2025-10-01"): JobMetric {
  const ended = attempt({
    jobId: `landfall-${n}`,
    startedAt: Date.parse(`${day}T04:00:00.250Z`),
    endedAt: Date.parse(`${day}T05:00:00.500Z`),
    error: `org.apache.spark.SparkException: Task ${n} failed, "quoted", naïve 表`,
    usage: { vcoreSeconds: 7_200, memoryMbSeconds: 1_024 * 3_600 },
  });
  const [only] = jobMetrics(
    task("risk.a.v1__0/upload@2025-09-30", {
      runs: [{ run: 1, because: "inputs complete", at: 1, attempts: [ended] }],
    }),
    about,
  );
  if (only === undefined) throw new Error("no row");
  return only;
}

const python = process.env["LANDFALL_TEST_PYTHON"] ?? "python3";
const absent = spawnSync(python, ["-c", "import deltalake, pyarrow"]).status !== 0;
if (absent) {
  console.log(
    `skipped: ${python} has no packages deltalake and pyarrow; set LANDFALL_TEST_PYTHON to one that has`,
  );
}

describe("the table of finished attempts", () => {
  let folder: string;
  let lake: ObjectStore;
  const open = () => directoryObjectStore({ root: folder });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "landfall-job-metrics-"));
    lake = open();
  });
  afterEach(async () => {
    await lake.close();
    rmSync(folder, { recursive: true });
  });
  const ids = async (since = "2025-01-01") =>
    (await readJobMetrics(open(), path, since)).map(({ jobId }) => jobId).toSorted();

  test("gives back the rows that were appended, those of a day and later if so asked", async () => {
    const rows = [row(1), row(2, "2025-09-30")];
    expect(await jobMetricsTable(lake, path).append(rows, at)).toEqual(rows);
    const found = await readJobMetrics(open(), path, "2025-09-30");
    expect(found.toSorted((a, b) => b.endedAt - a.endedAt)).toEqual(rows);
    expect(await ids("2025-10-01")).toEqual(["landfall-1"]);
    expect(await readJobMetrics(open(), "landfall/nothing", "2025-01-01")).toEqual([]);
  });

  test("has no row twice, whoever appends it again, and makes no commit for nothing", async () => {
    const table = jobMetricsTable(lake, path);
    await table.append([row(1), row(1)], at);
    expect(await table.append([row(1)], at)).toEqual([]);
    expect(await jobMetricsTable(open(), path).append([row(1), row(2)], at)).toEqual([row(2)]);
    expect(await ids()).toEqual(["landfall-1", "landfall-2"]);
    expect(await lake.list(`${path}/_delta_log/`)).toHaveLength(2);
  });

  test("of two appenders at once each row is appended by one", async () => {
    const rows = Array.from({ length: 40 }, (_, n) =>
      row(n, n % 2 === 0 ? "2025-09-30" : "2025-10-01"),
    );
    const appenders = Array.from({ length: 4 }, () => jobMetricsTable(open(), path));
    const appended = await Promise.all(
      appenders.flatMap((table, n) =>
        [0, 10, 20].map((from) => table.append(rows.slice(from + n, from + n + 16), at)),
      ),
    );
    const all = appended.flat().map(({ jobId }) => jobId);
    expect(new Set(all).size).toBe(all.length);
    expect(await ids()).toEqual(all.toSorted());
  });

  test("an appender that died between its Parquet file and its commit left nothing that counts", async () => {
    const dying: ObjectStore = {
      ...lake,
      async write(name, ...rest) {
        if (name.includes("_delta_log")) throw new Error("killed");
        return lake.write(name, ...rest);
      },
    };
    await expect(jobMetricsTable(dying, path).append([row(1)], at)).rejects.toThrow("killed");
    expect((await lake.list(path)).map(({ name }) => name)).toEqual([
      expect.stringMatching(/\/ds=2025-10-01\/part-.*\.parquet$/),
    ]);
    expect(await ids()).toEqual([]);
    await jobMetricsTable(open(), path).append([row(1)], at);
    expect(await ids()).toEqual(["landfall-1"]);
  });

  test.skipIf(absent)(
    "is read by a Delta library that is not ours",
    { timeout: 60_000 },
    async () => {
      const table = jobMetricsTable(lake, path);
      await table.append(
        [row(1), { ...row(2), startedAt: null, durationMs: null, error: null }],
        at,
      );
      await table.append([row(3, "2025-09-30")], at);
      const script = `
import json, sys
from deltalake import DeltaTable
t = DeltaTable(sys.argv[1])
rows = t.to_pyarrow_table().to_pylist() if hasattr(t, "to_pyarrow_table") else t.to_arrow().to_pylist()
print(json.dumps({"version": t.version(), "rows": sorted(rows, key=lambda r: r["job_id"])}, default=str))
`;
      const ran = spawnSync(python, ["-c", script, join(folder, path)], { encoding: "utf8" });
      expect(ran.stderr).toBe("");
      const { version, rows } = JSON.parse(ran.stdout);
      expect(version).toBe(1);
      expect(rows).toHaveLength(3);
      expect(Object.keys(rows[0]).toSorted()).toEqual(
        [...METRIC_COLUMNS.map(({ name }) => name), "ds"].toSorted(),
      );
      expect(rows[0]).toMatchObject({
        job_id: "landfall-1",
        ds: "2025-10-01",
        team: "risk",
        error_class: "SparkException",
        error: row(1).error,
        days: 1,
        started_at: "2025-10-01 04:00:00.250000+00:00",
        duration_ms: 3_600_250,
        vcore_seconds: 7_200,
        cost: 0.11,
      });
      expect(rows[1]).toMatchObject({ started_at: null, duration_ms: null, error: null });
    },
  );

  test.skipIf(absent)(
    "goes on after that library compacted it and made a checkpoint",
    { timeout: 60_000 },
    async () => {
      const table = jobMetricsTable(lake, path);
      for (const n of [1, 2, 3]) await table.append([row(n)], at);
      const script = `
import sys
from deltalake import DeltaTable
t = DeltaTable(sys.argv[1])
t.optimize.compact()
t.create_checkpoint()
t.cleanup_metadata()
`;
      const ran = spawnSync(python, ["-c", script, join(folder, path)], { encoding: "utf8" });
      expect(ran.stderr).toBe("");
      expect(await table.append([row(2), row(4)], at)).toEqual([row(4)]);
      expect(await ids()).toEqual([1, 2, 3, 4].map((n) => `landfall-${n}`));
    },
  );
});
