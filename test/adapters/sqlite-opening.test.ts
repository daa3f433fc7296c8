import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { child } from "../support/children.ts";

const folder = mkdtempSync(join(tmpdir(), "landfall-opening-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const opener = new URL("../support/store-opener.ts", import.meta.url).pathname;
const files = 40;

test("processes that open new files in the same moment all get to use them", {
  timeout: 60_000,
}, async () => {
  const begin = `${Date.now() + 3_000}`;
  const children = ["a", "b", "c"].map((name) =>
    child(opener, join(folder, name), folder, name, begin, `${files}`),
  );
  const all = Array.from({ length: files }, (_, n) => `committed ${n}`);
  for (const one of children) {
    await one.line("done");
    expect(one.lines()).toEqual([...all, "done"]);
  }
});
