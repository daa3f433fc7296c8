import { expect, test } from "vitest";
import { type BigtablePlace, bigtableInstance } from "../../adapters/gcp/bigtable-client.ts";
import { createBigtableTable } from "../../adapters/gcp/bigtable-table.ts";
import { bigtableKeyValueStore } from "../../adapters/gcp/key-value-store.ts";
import { setUpTables } from "../../adapters/gcp/set-up.ts";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import { GoogleCloud } from "../../schemas/google-cloud.ts";
import { Settings } from "../../schemas/settings.ts";
import { describeKeyValueStore } from "../contract/key-value-store.contract.ts";
import { emulated, freshProject } from "../support/emulators/emulated.ts";

const somewhere = (): BigtablePlace => ({ projectId: freshProject(), instanceId: "features" });

const bytes = (...values: readonly number[]) => Uint8Array.from(values);
const text = (value: string) => new TextEncoder().encode(value);

/** Tables are there before they are used; these keep cells of any age, as the suite writes old ones. */
function withTables(store: KeyValueStore, place: BigtablePlace): KeyValueStore {
  const { instance, close } = bigtableInstance(place);
  const made = new Map<string, Promise<unknown>>();
  const make = async (table: string) => {
    const options = { families: [{ name: "cf", rule: { versions: 10 } }] };
    const making =
      made.get(table) ??
      instance.createTable(table, options).catch((cause: { code?: number }) => {
        if (cause.code !== 6) throw cause as Error;
      });
    made.set(table, making);
    await making;
  };
  return {
    at: (instanceId) => withTables(store.at(instanceId), { ...place, instanceId }),
    async write(table, cells) {
      await make(table);
      await store.write(table, cells);
    },
    async read(table, keys) {
      await make(table);
      return store.read(table, keys);
    },
    async delete(table, cells) {
      await make(table);
      await store.delete(table, cells);
    },
    cellsKeptMs: (table) => store.cellsKeptMs(table),
    async close() {
      await close();
      await store.close();
    },
  };
}

emulated(["bigtable"], "the Bigtable store", () => {
  describeKeyValueStore(
    "Bigtable",
    async () => {
      const place = somewhere();
      return {
        open: () => withTables(bigtableKeyValueStore(place), place),
        dispose: async () => {},
      };
    },
    {
      skip: [
        {
          reason: "names of Bigtable tables are letters, digits, _ . and - only",
          tests: ["keeps tables apart, whatever they are called"],
        },
      ],
    },
  );

  test("Chronon's worked bytes lie where Chronon looks for them", async () => {
    const place = somewhere();
    await createBigtableTable(place, "GROUPBY_BATCH");
    const store = bigtableKeyValueStore(place);
    const dataset = "GCP_PURCHASES_V1_TEST__0_BATCH";
    const rowKeys = [
      text(`${dataset}#group_by_serving_info`),
      [...text(`${dataset}#`), 2, 2, 0x35],
    ];
    const timestamp = 1_777_680_000_000;
    const cells = rowKeys.map((key) => ({ key: bytes(...key), value: text("{}"), timestamp }));
    await store.write("GROUPBY_BATCH", cells);
    const { instance, close } = bigtableInstance(place);
    const [rows] = await instance.table("GROUPBY_BATCH").getRows({ decode: false });
    expect(rows.map(({ id, data }) => [Buffer.from(id).toString("hex"), data])).toEqual(
      [
        "4743505f5055524348415345535f56315f544553545f5f305f42415443482367726f75705f62795f73657276696e675f696e666f",
        "4743505f5055524348415345535f56315f544553545f5f305f424154434823020235",
      ]
        .toSorted((one, other) => (one < other ? -1 : 1))
        .map((key) => [
          key,
          {
            cf: {
              value: [{ value: Buffer.from("{}"), labels: [], timestamp: `${timestamp}000` }],
            },
          },
        ]),
    );
    await close();
    await store.close();
  });

  test("values and keys of eight bytes come back as they were", async () => {
    const place = somewhere();
    await createBigtableTable(place, "T");
    const store = bigtableKeyValueStore(place);
    const eights = [
      bytes(0, 0, 0, 0, 0, 0, 0, 5),
      bytes(255, 255, 255, 255, 255, 255, 255, 255),
      bytes(0x7f, 1, 2, 3, 4, 5, 6, 7),
      text("12345678"),
    ];
    const timestamp = Date.now();
    const cells = eights.map((value) => ({ key: value, value, timestamp }));
    await store.write("T", cells);
    for (const cell of cells) expect(await store.read("T", [cell.key])).toEqual([cell]);
    await store.close();
  });

  test("of the same cell twice in one write the last one stands", async () => {
    const place = somewhere();
    await createBigtableTable(place, "T");
    const store = bigtableKeyValueStore(place);
    const [key, timestamp] = [text("k"), Date.now()];
    const cells = ["first", "second", "third"].map((value) => ({
      key,
      value: text(value),
      timestamp,
    }));
    await store.write("T", cells);
    expect(await store.read("T", [key])).toEqual(cells.slice(2));
    await store.close();
  });

  test("a missing table, one without Chronon's family, and no table at all are told apart", async () => {
    const place = somewhere();
    const store = bigtableKeyValueStore(place);
    const cell = { key: text("k"), value: text("v"), timestamp: Date.now() };
    const { instance, close } = bigtableInstance(place);
    await instance.createTable("OTHER", { families: ["data"] });
    await close();
    for (const [trying, advice] of [
      [
        () => store.write("MISSING", [cell]),
        "table MISSING or its instance is not there: create it",
      ],
      [() => store.read("MISSING", [cell.key]), "table MISSING or its instance is not there"],
      [() => store.write("OTHER", [cell]), "table OTHER has no family cf"],
      [() => store.delete("MISSING", [cell]), "table MISSING or its instance is not there"],
      [() => store.cellsKeptMs("MISSING"), "table MISSING or its instance is not there"],
      [() => store.cellsKeptMs("OTHER"), "table OTHER has no family cf"],
      [() => createBigtableTable(place, "OTHER"), "table OTHER is there without family cf"],
      [() => store.write("a/b", [cell]), '"a/b" is no name of a table'],
    ] as const) {
      const tried = Promise.resolve(trying());
      await expect(tried).rejects.toBeInstanceOf(PermanentError);
      await expect(tried).rejects.toThrow(advice);
    }
    await store.close();
  });

  test("an instance that does not answer may answer later", async () => {
    const store = bigtableKeyValueStore({ ...somewhere(), emulator: "127.0.0.1:1" });
    await expect(store.read("T", [text("k")])).rejects.toBeInstanceOf(RetryableError);
    await store.close();
  });

  test("how long a table keeps cells is what its rules come to", async () => {
    const place = somewhere();
    await createBigtableTable(place, "CHRONONS");
    const { instance, close } = bigtableInstance(place);
    const day = { seconds: 86_400, nanos: 0 };
    const rules = {
      AGED: { age: day },
      VERSIONED: { versions: 3 },
      EITHER: { age: day, versions: 3, union: true },
      BOTH: { age: day, versions: 3 },
      RULELESS: undefined,
    };
    for (const [table, rule] of Object.entries(rules)) {
      const family = rule === undefined ? "cf" : { name: "cf", rule };
      await instance.createTable(table, { families: [family] });
    }
    await close();
    const store = bigtableKeyValueStore(place);
    const kept = [];
    for (const table of ["CHRONONS", ...Object.keys(rules)]) {
      kept.push([table, await store.cellsKeptMs(table)]);
    }
    expect(Object.fromEntries(kept)).toEqual({
      CHRONONS: 432_000_000,
      AGED: 86_400_000,
      VERSIONED: null,
      EITHER: 86_400_000,
      BOTH: null,
      RULELESS: null,
    });
    await store.close();
  });

  test("a table is made with Chronon's garbage collection, and left alone when it is there", async () => {
    const place = somewhere();
    await createBigtableTable(place, "CHRONON_METADATA");
    const store = bigtableKeyValueStore(place);
    const cell = { key: text("k"), value: text("v"), timestamp: Date.now() };
    await store.write("CHRONON_METADATA", [cell]);
    await createBigtableTable(place, "CHRONON_METADATA");
    expect(await store.read("CHRONON_METADATA", [cell.key])).toEqual([cell]);
    const { instance, close } = bigtableInstance(place);
    const [family] = await instance.table("CHRONON_METADATA").family("cf").getMetadata();
    expect(family).toMatchObject({
      gcRule: { union: { rules: [{ maxAge: { seconds: "432000" } }, { maxNumVersions: 10_000 }] } },
    });
    await close();
    await store.close();
  });

  test("the tables of a team's instance are made there alone, and may be made again", async () => {
    const place = somewhere();
    const gcp = GoogleCloud.parse({
      project: place.projectId,
      lake: "gs://lake",
      configs: "gs://configs",
      bigtableInstance: place.instanceId,
    });
    const settings = { deployment: "landfall", gcp, metadata: Settings.parse({}).metadata };
    const told: string[] = [];
    for (const _ of ["once", "again"]) {
      await setUpTables(settings, "risk-features", ({ name }) => told.push(name));
    }
    const made = ["GROUPBY_BATCH in risk-features", "CHRONON_METADATA in risk-features"];
    expect(told).toEqual([...made, ...made]);
    const store = bigtableKeyValueStore(place);
    expect(await store.at("risk-features").read("GROUPBY_BATCH", [text("k")])).toEqual([]);
    await expect(store.read("GROUPBY_BATCH", [text("k")])).rejects.toThrow(PermanentError);
    await store.close();
  });
});
