import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type {
  Change,
  FirestoreDatabase,
  StoredDocument,
} from "../../adapters/gcp/firestore-database.ts";
import { OWN_FIELDS, OWN_FIELDS_OF_TASKS } from "../../adapters/gcp/firestore-documents.ts";
import type { StructuredQuery } from "../../adapters/gcp/firestore-queries.ts";
import { taskStoreOver } from "../../adapters/gcp/task-store.ts";
import { COLLECTIONS } from "../../schemas/documents.ts";
import { FirestoreIndexes, servingIndex } from "../support/firestore-indexes.ts";

const file = new URL("../../firestore.indexes.json", import.meta.url);
const declared = FirestoreIndexes.parse(JSON.parse(readFileSync(file, "utf8")));

/** A database that holds nothing and remembers what it was asked. */
function recording() {
  const queries: StructuredQuery[] = [];
  const database: FirestoreDatabase = {
    name: "a recording",
    commit: async (_changes: readonly Change[]) => ({ seconds: 1, nanos: 0 }),
    read: async () => ({ at: { seconds: 1, nanos: 0 }, found: [] as StoredDocument[] }),
    async query(query) {
      queries.push(query);
      return { at: { seconds: 1, nanos: 0 }, found: [] };
    },
    close: async () => {},
  };
  return { database, queries };
}

test("every query the task store sends is served by a declared index", async () => {
  const { database, queries } = recording();
  const store = taskStoreOver(database);
  await store.dueTasks(1, 10);
  await store.queuedTasks("upload", 10);
  const step = "risk.a/upload";
  for (const state of [undefined, "launching", "failed"] as const) {
    const ofState = state === undefined ? {} : { state };
    await store.listTasks({ ...ofState, limit: 10 });
    await store.listTasks({ ...ofState, step, limit: 10 });
  }
  await store.endedTasks(null, 10);
  expect(queries).toHaveLength(9);
  const unserved = queries.filter((query) => servingIndex(query, declared) === null);
  expect(unserved).toEqual([]);
});

test("every declared index serves a query: each costs every write of a task", async () => {
  const { database, queries } = recording();
  const store = taskStoreOver(database);
  await store.dueTasks(1, 10);
  await store.queuedTasks("upload", 10);
  await store.listTasks({ limit: 10 });
  await store.listTasks({ step: "s", limit: 10 });
  await store.listTasks({ state: "failed", limit: 10 });
  await store.listTasks({ state: "failed", step: "s", limit: 10 });
  await store.endedTasks(null, 10);
  const used = new Set(queries.map((query) => servingIndex(query, declared) ?? "none"));
  const composite = declared.indexes.map(
    ({ collectionGroup, fields }) =>
      `${collectionGroup}: ${fields.map(({ fieldPath }) => fieldPath).join(", ")}`,
  );
  const single = declared.fieldOverrides
    .filter(({ indexes }) => indexes.length > 0)
    .map(({ collectionGroup, fieldPath }) => `${collectionGroup}: ${fieldPath}`);
  expect([...used].toSorted()).toEqual([...composite, ...single].toSorted());
});

describe("no field has an index that no query asks for", () => {
  for (const [collection, schema] of Object.entries(COLLECTIONS)) {
    test(collection, () => {
      const overridden = declared.fieldOverrides
        .filter(({ collectionGroup }) => collectionGroup === collection)
        .map(({ fieldPath }) => fieldPath);
      const own = OWN_FIELDS.filter(
        (name) => collection === "tasks" || !OWN_FIELDS_OF_TASKS.includes(name),
      );
      expect(overridden.toSorted()).toEqual([...Object.keys(schema.shape), ...own].toSorted());
    });
  }
});

describe("an index serves a query", () => {
  const asked = (more: Partial<StructuredQuery>): StructuredQuery => ({
    from: [{ collectionId: "c" }],
    orderBy: [],
    limit: { value: 1 },
    ...more,
  });
  const equals = (...paths: string[]): Pick<StructuredQuery, "where"> => ({
    where: {
      compositeFilter: {
        op: "AND",
        filters: paths.map((fieldPath) => ({
          fieldFilter: { field: { fieldPath }, op: "EQUAL", value: { integerValue: 1 } },
        })),
      },
    },
  });
  const upTo = (fieldPath: string): Pick<StructuredQuery, "where"> => ({
    where: {
      compositeFilter: {
        op: "AND",
        filters: [
          {
            fieldFilter: {
              field: { fieldPath },
              op: "LESS_THAN_OR_EQUAL",
              value: { integerValue: 1 },
            },
          },
        ],
      },
    },
  });
  const by = (fieldPath: string, direction: "ASCENDING" | "DESCENDING" = "ASCENDING") => ({
    field: { fieldPath },
    direction,
  });
  const indexes = (
    composite: readonly (readonly [string, "ASCENDING" | "DESCENDING"])[] = [],
    exempt: Readonly<Record<string, readonly ("ASCENDING" | "DESCENDING")[]>> = {},
  ): FirestoreIndexes => ({
    indexes:
      composite.length === 0
        ? []
        : [
            {
              collectionGroup: "c",
              queryScope: "COLLECTION",
              fields: composite.map(([fieldPath, order]) => ({ fieldPath, order })),
            },
          ],
    fieldOverrides: Object.entries(exempt).map(([fieldPath, orders]) => ({
      collectionGroup: "c",
      fieldPath,
      indexes: orders.map((order) => ({ order, queryScope: "COLLECTION" as const })),
    })),
  });
  const [asc, desc] = ["ASCENDING", "DESCENDING"] as const;

  test("of one field, unless that field is exempt or has the other order only", () => {
    const query = asked({ ...upTo("a"), orderBy: [by("a")] });
    expect(servingIndex(query, indexes())).toBe("c: a");
    expect(servingIndex(asked(upTo("a")), indexes([], { a: [asc] }))).toBe("c: a");
    expect(servingIndex(query, indexes([], { a: [] }))).toBeNull();
    expect(servingIndex(query, indexes([], { a: [desc] }))).toBeNull();
    expect(servingIndex(asked({ orderBy: [by("a", desc)] }), indexes([], { a: [desc] }))).toBe(
      "c: a",
    );
    expect(servingIndex(asked(equals("a")), indexes([], { a: [desc] }))).toBe("c: a");
    expect(servingIndex(asked({}), indexes())).toBe("c: by name");
  });

  test("of a field in a map, unless the map is exempt and the field is not told apart", () => {
    const query = asked({ orderBy: [by("a.b")] });
    expect(servingIndex(query, indexes())).toBe("c: a.b");
    expect(servingIndex(query, indexes([], { a: [] }))).toBeNull();
    expect(servingIndex(query, indexes([], { a: [], "a.b": [asc] }))).toBe("c: a.b");
    expect(servingIndex(query, indexes([], { a: [asc], "a.b": [] }))).toBeNull();
  });

  test("of several fields only when it is declared: equal ones first, then the order", () => {
    const query = asked({ ...equals("a", "b"), orderBy: [by("d", desc)] });
    expect(servingIndex(query, indexes())).toBeNull();
    const fitting = indexes([
      ["b", desc],
      ["a", asc],
      ["d", desc],
    ]);
    expect(servingIndex(query, fitting)).toBe("c: b, a, d");
    for (const other of [
      [
        ["a", asc],
        ["d", desc],
      ],
      [
        ["a", asc],
        ["b", asc],
        ["d", asc],
      ],
      [
        ["d", desc],
        ["a", asc],
        ["b", asc],
      ],
      [
        ["a", asc],
        ["b", asc],
        ["d", desc],
        ["e", asc],
      ],
    ] as const) {
      expect(servingIndex(query, indexes(other))).toBeNull();
    }
    expect(servingIndex({ ...query, from: [{ collectionId: "other" }] }, fitting)).toBeNull();
  });
});
