import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { sqliteTaskStore } from "../../adapters/embedded/task-store.ts";
import type { DocumentId } from "../../schemas/documents.ts";

const folder = mkdtempSync(join(tmpdir(), "landfall-in-doubt-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const filler = new URL("../support/store-filler.ts", import.meta.url).pathname;
const isWindows = process.platform === "win32";
if (isWindows) console.info("skipped: Windows cannot limit the size of a process's files");

test.skipIf(isWindows)(
  "a commit in which the disk failed is answered `unknown`, and is whole or not there",
  {
    timeout: 60_000,
  },
  async () => {
    const file = join(folder, "state.db");
    const limited = ["-c", 'ulimit -f 300; exec "$@"', "sh", process.execPath];
    const output = execFileSync(
      "sh",
      [...limited, "--import", import.meta.resolve("tsx"), filler, file],
      { encoding: "utf8" },
    );
    const { committed, answer } = JSON.parse(output) as { committed: number; answer: unknown };
    expect(committed).toBeGreaterThan(0);
    expect(answer).toEqual({ kind: "unknown", cause: expect.stringContaining(file) });
    const store = sqliteTaskStore({ file });
    const ids = Array.from({ length: committed + 2 }, (_, n): DocumentId => `pools/${n}`);
    const there = [...(await store.read(ids)).values()].filter(({ body }) => body !== null).length;
    expect([committed, committed + 1]).toContain(there);
    await store.close();
  },
);
