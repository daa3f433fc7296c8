import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  avroStringKey,
  BATCH_TABLE,
  batchDataset,
  batchTimestamp,
  entityRowKey,
  servedDay,
  servingInfoKey,
  servingInfoValue,
} from "../../core/serving-info.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const groupBy = "gcp.purchases.v1_test__0";

describe("names and keys, byte for byte as Chronon's BigTableKVStoreImpl lays them out", () => {
  test("the dataset is the name in capitals, everything else underlined", () => {
    expect(batchDataset(groupBy)).toBe("GCP_PURCHASES_V1_TEST__0_BATCH");
    expect(batchDataset("a.b-c/d")).toBe(batchDataset("A_b_c.d"));
    expect(BATCH_TABLE).toBe("GROUPBY_BATCH");
  });

  test("the serving info row", () => {
    expect(hex(servingInfoKey(groupBy))).toBe(
      "4743505f5055524348415345535f56315f544553545f5f305f4241544348" +
        "2367726f75705f62795f73657276696e675f696e666f",
    );
  });

  test('the row of the entity {user_id: "5"}', () => {
    expect(hex(entityRowKey(groupBy, avroStringKey(["5"])))).toBe(
      "4743505f5055524348415345535f56315f544553545f5f305f424154434823020235",
    );
  });

  test("lengths beyond 63 take two bytes", () => {
    expect(hex(avroStringKey(["x".repeat(64)])).slice(0, 6)).toBe("028001");
    expect(hex(avroStringKey(["é", "b"]))).toBe("0204c3a9020262");
  });

  test("the cells of ds=2026-05-01 are at 2026-05-02T00:00Z", () => {
    expect(batchTimestamp("2026-05-01")).toBe(1_777_680_000_000);
  });
});

describe("the value of the serving info row", () => {
  const value = servingInfoValue({
    groupBy: { metaData: { name: groupBy, online: 1 }, keyColumns: ["user_id"] },
    keyColumns: ["user_id"],
    partition: "2026-02-28",
    more: { rehearsal: true },
  });

  test("is JSON with sorted keys and no white space, ending the day after", () => {
    expect(Buffer.from(value).toString()).toBe(
      '{"batchEndDate":"2026-03-01","dateFormat":"yyyy-MM-dd",' +
        '"groupBy":{"keyColumns":["user_id"],"metaData":{"name":"gcp.purchases.v1_test__0","online":1}},' +
        '"keyAvroSchema":"{\\"type\\":\\"record\\",\\"name\\":\\"Key\\",\\"namespace\\":\\"ai.chronon.data\\",' +
        '\\"fields\\":[{\\"name\\":\\"user_id\\",\\"type\\":[\\"null\\",\\"string\\"],\\"default\\":null}]}",' +
        '"rehearsal":true}',
    );
  });

  test("what is more never replaces what Chronon reads", () => {
    const hostile = servingInfoValue({
      groupBy,
      keyColumns: [],
      partition: "2026-02-28",
      more: { batchEndDate: "1999-01-01" },
    });
    expect(JSON.parse(Buffer.from(hostile).toString()).batchEndDate).toBe("2026-03-01");
  });
});

describe("which day is served", () => {
  const cellOf = (partition: string, timestamp = batchTimestamp(partition)) => ({
    timestamp,
    value: servingInfoValue({ groupBy, keyColumns: [], partition }),
  });
  const text = (json: string, timestamp: number) => ({ timestamp, value: Buffer.from(json) });
  const day = "2026-05-01";
  const at = batchTimestamp(day);

  test("the day itself", () => {
    expect(servedDay(cellOf(day), day)).toEqual({ kind: "served", timestamp: at });
  });

  test("a later day stands for it, with its own version", () => {
    expect(servedDay(cellOf("2026-05-03"), day)).toEqual({
      kind: "served",
      timestamp: batchTimestamp("2026-05-03"),
    });
  });

  test("an earlier day does not", () => {
    expect(servedDay(cellOf("2026-04-30"), day).kind).toBe("older");
  });

  test("a cell of another day than its row says is broken", () => {
    const served = servedDay(cellOf("2026-04-30", at), day);
    expect(served).toEqual({
      kind: "broken",
      problem: "the row ends at 2026-05-01, its cell says 2026-05-02",
    });
    expect(servedDay(cellOf(day, at + 1), day).kind).toBe("broken");
  });

  test("other date formats are read as they are declared", () => {
    const json = '{"batchEndDate":"20260502","dateFormat":"yyyyMMdd","groupBy":{}}';
    expect(servedDay(text(json, at), day).kind).toBe("served");
  });

  test.each(["", "null", "[]", "{}", "truncated {", '{"batchEndDate":5}', "\ufffd"])(
    "%j is no serving info",
    (json) => {
      expect(servedDay(text(json, at), day)).toEqual({
        kind: "broken",
        problem: "the row is not a serving info",
      });
    },
  );

  test("of any two days, exactly the later and the same serve", () => {
    const days = fc.integer({ min: 0, max: 3_000 }).map((n) => {
      return new Date(Date.UTC(2024, 0, 1 + n)).toISOString().slice(0, 10);
    });
    fc.assert(
      fc.property(days, days, (written, asked) => {
        expect(servedDay(cellOf(written), asked).kind).toBe(written >= asked ? "served" : "older");
      }),
    );
  });
});
