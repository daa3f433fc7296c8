import { expect, test } from "vitest";
import { metadataText } from "../../cli/metadata-text.ts";

test("where jobs upload metadata, it is said how many and where they are told of", () => {
  expect(metadataText({ head: null, rows: {} })).toBe("no metadata was uploaded yet");
  expect(metadataText({ head: null, rows: {}, byJobs: 1 })).toBe(
    "by jobs       1 config, tasks of pipeline chronon_metadata: landfall tasks",
  );
  expect(metadataText({ head: null, rows: {}, byJobs: 3 })).toContain("3 configs");
});
