import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCommit, parsingCommit } from "../../core/delta.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const lines = (...actions: object[]) =>
  bytes(actions.map((action) => JSON.stringify(action)).join("\n"));
const add = (path: string, more: object = {}) => ({
  add: { path, partitionValues: {}, size: 1, modificationTime: 5, dataChange: true, ...more },
});
const commitOf = (...actions: object[]) => {
  const parsed = parseCommit(lines(...actions));
  if (parsed.kind !== "commit") throw new Error(parsed.message);
  return parsed.commit;
};

describe("parsing a commit", () => {
  test("its time is inCommitTimestamp, else the timestamp, else its newest file's", () => {
    const file = add("a", { modificationTime: 7.9 });
    expect(commitOf({ commitInfo: { timestamp: 3, inCommitTimestamp: 4 } }, file).at).toBe(4);
    expect(commitOf(file, { commitInfo: { timestamp: 3 } }).at).toBe(3);
    expect(commitOf(file, add("b", { modificationTime: 6 })).at).toBe(7);
    expect(commitOf({ commitInfo: {} }).at).toBeNull();
  });

  test("rows come from numRecords, wherever it stands in the stats, or are not known", () => {
    const rows = (stats: unknown) => commitOf(add("a", { stats })).files[0]?.rows;
    expect(rows('{"numRecords":12}')).toBe(12);
    expect(rows('{"numRecords":12,"minValues":{}}')).toBe(12);
    expect(rows('{"minValues":{"numRecords":3},"numRecords":12}')).toBe(12);
    expect(rows('{"minValues":{"numRecords":3}}')).toBeNull();
    expect(rows('{"numRecords":1')).toBeNull();
    expect(rows('{"numRecords":-1}')).toBeNull();
    expect(rows("")).toBeNull();
    expect(rows(undefined)).toBeNull();
  });

  test("a file is its path and its deletion vector", () => {
    const dv = {
      storageType: "u",
      pathOrInlineDv: "ab^-aqEH.-t@S}K{vb[*k^",
      offset: 4,
      sizeInBytes: 40,
      cardinality: 6,
    };
    const [plain, marked] = commitOf(add("a"), add("a", { deletionVector: dv })).files;
    expect(plain?.key).toBe("a");
    expect(marked?.key).not.toBe(plain?.key);
    expect(marked?.path).toBe("a");
  });

  test("change data, domain metadata and actions not known yet say nothing", () => {
    const commit = commitOf(
      {
        cdc: {
          path: "_change_data/x",
          partitionValues: { ds: "2025-09-30" },
          size: 1,
          dataChange: false,
        },
      },
      { domainMetadata: { domain: "delta.clustering", configuration: "{}", removed: false } },
      { sidecar: { path: "x" } },
      { somethingNew: 1 },
    );
    expect(commit.files).toEqual([]);
  });

  test("transactions are kept by application", () => {
    const { txns } = commitOf(
      { txn: { appId: "job-1", version: 3 } },
      { txn: { appId: "__proto__", version: 1, lastUpdated: 4 } },
    );
    expect([...txns]).toEqual([
      ["job-1", 3],
      ["__proto__", 1],
    ]);
  });

  test("partition columns are known by their physical names", () => {
    const schemaString = JSON.stringify({
      type: "struct",
      fields: [
        {
          name: "ds",
          type: "string",
          nullable: true,
          metadata: { "delta.columnMapping.physicalName": "col-1" },
        },
        { name: "hr", type: "string", nullable: true, metadata: {} },
      ],
    });
    const metaData = {
      id: "t",
      schemaString,
      partitionColumns: ["ds", "hr"],
      format: {},
      configuration: {},
    };
    expect(commitOf({ metaData }).metaData).toEqual({
      id: "t",
      partitionColumns: [
        { name: "ds", physicalName: "col-1" },
        { name: "hr", physicalName: "hr" },
      ],
    });
  });

  test("reader features under which adds mean something else are refused by name", () => {
    const protocol = (readerFeatures: string[]) =>
      parseCommit(
        lines({ protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures } }),
      );
    expect(protocol(["deletionVectors", "columnMapping", "timestampNtz"]).kind).toBe("commit");
    expect(protocol(["deletionVectors", "catalogManaged"])).toEqual({
      kind: "unsupported",
      message: "needs catalogManaged, which Landfall does not know",
    });
    expect(
      parseCommit(lines({ protocol: { minReaderVersion: 4, minWriterVersion: 7 } })).kind,
    ).toBe("unsupported");
  });

  test.each([
    ["an empty file", ""],
    ["a cut-off line", '{"commitInfo":{}}\n{"add":{"path":"a'],
    ["not JSON", "PAR1"],
    ["JSON that is no action", "[]\n3"],
    ["an add without a path", '{"add":{"dataChange":true}}'],
    [
      "a schema that is none",
      '{"metaData":{"id":"t","schemaString":"{}","partitionColumns":["ds"]}}',
    ],
  ])("%s is unreadable, and says so in one line", (_, text) => {
    const parsed = parseCommit(bytes(text));
    expect(parsed.kind).toBe("unreadable");
    expect("message" in parsed && parsed.message).toMatch(/^[^\n]+$/);
  });

  test("bytes that are not UTF-8 are unreadable", () => {
    const broken = lines(add("aaaa"));
    broken[12] = 0xff;
    expect(parseCommit(broken)).toEqual({
      kind: "unreadable",
      message: "is not UTF-8 after line 0",
    });
  });

  test("line ends of Windows, blank lines and a missing last line end are fine", () => {
    const text = `${JSON.stringify(add("a"))}\r\n\r\n${JSON.stringify(add("b"))}`;
    const parsed = parseCommit(bytes(text));
    expect(parsed.kind === "commit" && parsed.commit.files.map(({ path }) => path)).toEqual([
      "a",
      "b",
    ]);
  });

  test("a commit cut anywhere is unreadable, or has its whole first lines", () => {
    const paths = ["a", "b/ü", "c"];
    const whole = lines(...paths.map((path) => add(path)));
    fc.assert(
      fc.property(fc.nat({ max: whole.length - 1 }), (length) => {
        const parsed = parseCommit(whole.subarray(0, length));
        if (parsed.kind !== "commit") return;
        const read = parsed.commit.files.map(({ path }) => path);
        expect(read).toEqual(paths.slice(0, read.length));
        expect(read.length).toBeLessThan(paths.length);
      }),
    );
  });

  test("slices never split a line or a character, whatever the lengths of lines", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 200_000 }), { minLength: 1, maxLength: 6 }), (lengths) => {
        const paths = lengths.map((length, at) => `${at}${"é".repeat(length)}`);
        const parsed = parseCommit(lines(...paths.map((path) => add(path))));
        expect(parsed.kind === "commit" && parsed.commit.files.map(({ path }) => path)).toEqual(
          paths,
        );
      }),
      { numRuns: 30 },
    );
  });

  test("a large commit is parsed in slices of a few milliseconds", () => {
    const many = Array.from({ length: 20_000 }, (_, at) =>
      add(`part-${at}`, { stats: '{"numRecords":1}' }),
    );
    let slices = 0;
    for (const parsing = parsingCommit(lines(...many)); ; slices += 1) {
      const step = parsing.next();
      if (step.done !== true) continue;
      expect(step.value.kind === "commit" && step.value.commit.files).toHaveLength(20_000);
      break;
    }
    expect(slices).toBeGreaterThan(5);
  });
});
