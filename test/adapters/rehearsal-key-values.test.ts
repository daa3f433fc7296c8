import { afterEach, describe, expect, test } from "vitest";
import { directoryObjectStore } from "../../adapters/embedded/object-store.ts";
import { BATCH_TABLE, servingInfoKey } from "../../core/serving-info.ts";
import type { JobSpec, JobStatus } from "../../ports/job-runner.ts";
import type { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import { endOf } from "../contract/job-runner.contract.ts";
import { jobSpecs } from "../support/job-specs.ts";
import { type RehearsalPlace, rehearsalPlace } from "../support/rehearsal-place.ts";

/** What `group-by-upload-bulk-load` leaves in the online store, and when it leaves nothing. */

let at: RehearsalPlace;
const next = jobSpecs();
const path = "risk/merchants";

afterEach(() => at.close());

function place(behaviour: Partial<RehearsalBehaviour> = {}): void {
  at = rehearsalPlace(behaviour);
}

const day = (n: string) => `2025-09-${n}`;
const range = (n: string) => ({ start: day(n), end: day(n) });

async function run(spec: JobSpec): Promise<JobStatus> {
  const runner = at.open();
  await runner.submit(spec);
  const end = await endOf(runner.statuses(), spec.jobId);
  await runner.forget([spec.jobId]);
  await runner.close();
  return end;
}

describe("uploads to the online store", () => {
  const upload = { table: "risk.merchants", range: range("01") };
  const toKv = (more: Partial<JobSpec> = {}) =>
    next({
      mode: "upload-to-kv",
      config: "risk.merchants.v1",
      range: range("01"),
      output: null,
      inputs: [upload],
      ...more,
    });
  const info = async () => {
    const key = servingInfoKey("risk.merchants.v1");
    const [cell] = await at.keyValueStore.read(BATCH_TABLE, [key]);
    return cell === undefined
      ? null
      : {
          timestamp: cell.timestamp,
          json: JSON.parse(Buffer.from(cell.value).toString()) as Record<string, unknown>,
        };
  };

  test("exit 0 having loaded nothing when the day was not uploaded", async () => {
    place();
    await at.land(path, day("02"));
    expect((await run(toKv())).state).toBe("succeeded");
    expect(await info()).toBeNull();
  });

  test("load entities and the serving info of the day", async () => {
    place();
    await at.land(path, day("01"));
    const spec = toKv();
    await run(spec);
    const seen = await info();
    expect(seen?.timestamp).toBe(Date.parse("2025-09-02T00:00:00Z"));
    expect(seen?.json).toMatchObject({
      batchEndDate: "2025-09-02",
      dateFormat: "yyyy-MM-dd",
      groupBy: { metaData: { name: "risk.merchants.v1" } },
      rehearsal: { jobId: spec.jobId },
    });
    const entity = Buffer.from("RISK_MERCHANTS_V1_BATCH#\u0002\u0016rehearsal-1");
    const [row] = await at.keyValueStore.read(BATCH_TABLE, [entity]);
    expect(row?.timestamp).toBe(seen?.timestamp);
  });

  test("carry the whole conf where it can be read", async () => {
    place();
    await at.land(path, day("01"));
    const configs = directoryObjectStore({ root: `${at.place}/configs` });
    const conf = { metaData: { name: "risk.merchants.v1", online: 1 }, keyColumns: ["merchant"] };
    await configs.write("confs/0/v1", Buffer.from(JSON.stringify(conf)));
    const runner = at.open({ configs });
    const spec = toKv({ conf: "confs/0/v1" });
    await runner.submit(spec);
    await endOf(runner.statuses(), spec.jobId);
    expect((await info())?.json["groupBy"]).toEqual(conf);
    await configs.close();
  });

  test("write-half loads entities, but not what says that they are there", async () => {
    place({ faults: [{ step: "risk.merchants.v1/upload-to-kv", does: "write-half" }] });
    await at.land(path, day("01"));
    expect((await run(toKv())).state).toBe("failed");
    expect(await info()).toBeNull();
  });

  test("an older day never shadows a newer one", async () => {
    place();
    await at.land(path, day("01"), day("02"));
    await run(toKv({ range: range("02") }));
    await run(toKv());
    expect((await info())?.json["batchEndDate"]).toBe("2025-09-03");
  });

  test("of a rewritten upload table only the last day can be loaded", async () => {
    place();
    const rewrite = (n: string) =>
      run(
        next({
          mode: "upload",
          range: range(n),
          output: { table: "risk.merchants", column: "ds", effect: "rewrites-table" },
        }),
      );
    await rewrite("01");
    await rewrite("02");
    expect((await at.commits(path)).map(({ removes }) => removes)).toEqual([0, 1]);
    await run(toKv());
    expect(await info()).toBeNull();
    await run(toKv({ range: range("02") }));
    expect((await info())?.json["batchEndDate"]).toBe("2025-09-03");
  });
});
