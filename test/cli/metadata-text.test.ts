import { expect, test } from "vitest";
import { metadataText } from "../../cli/metadata-text.ts";
import type { MetadataDocument } from "../../schemas/metadata.ts";

test("where jobs upload metadata, it is said how many and where they are told of", () => {
  expect(metadataText({ head: null, rows: {} })).toBe("no metadata was uploaded yet");
  expect(metadataText({ head: null, rows: {}, byJobs: 1 })).toBe(
    "by jobs       1 config, tasks of pipeline chronon_metadata: landfall tasks",
  );
  expect(metadataText({ head: null, rows: {}, byJobs: 3 })).toContain("3 configs");
});

test("rows whose configs are gone are told with their times, and which of them are to be deleted", () => {
  const head: MetadataDocument = {
    schema: 1,
    table: "CHRONON_METADATA",
    uploaded: null,
    refreshedAt: null,
    pages: ["risk"],
    trouble: null,
    remark: null,
    asked: ["joins/risk.b"],
    writing: null,
  };
  const gone = {
    since: Date.parse("2026-03-03T09:00:00Z"),
    writtenAt: Date.parse("2026-03-02T08:00:00Z"),
  };
  const row = { hash: "1", uploadedAt: 1, gone };
  const text = metadataText({ head, rows: { "joins/risk.a": row, "joins/risk.b": row } });
  const times = "since 2026-03-03 09:00:00, written at 2026-03-02 08:00:00";
  expect(text).toContain(`gone          joins/risk.a: ${times}\n`);
  expect(text).toContain(`gone          joins/risk.b: ${times}; to be deleted`);
});
