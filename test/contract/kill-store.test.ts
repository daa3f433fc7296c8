import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { sqliteTaskStore } from "../../adapters/embedded/task-store.ts";
import type { DocumentId } from "../../schemas/documents.ts";
import type { PoolDocument } from "../../schemas/tasks.ts";
import { type Child, child } from "../support/children.ts";

const folder = mkdtempSync(join(tmpdir(), "landfall-kill-store-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const writer = new URL("../support/store-writer.ts", import.meta.url).pathname;
const rounds = 4;

test("two processes commit and are killed again and again: nothing answered is lost, nothing is half", {
  timeout: 120_000,
}, async () => {
  const file = join(folder, "state.db");
  const names = ["left", "right"] as const;
  for (let round = 0; round < rounds; round += 1) {
    const children = names.map((name) =>
      child(writer, join(folder, `${name}-${round}`), file, name),
    );
    await Promise.all(children.map((one) => one.line("")));
    for (const one of children) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 80));
      await one.kill();
    }
    const numbers = await numbersIn(file, names);
    for (const [n, one] of children.entries()) {
      const own = new Set(numbers.own[n]);
      expect(own.size).toBe(1);
      const [number = 0] = own;
      const answered = lastAnswered(one);
      expect(number).toBeGreaterThanOrEqual(answered);
      expect(number).toBeLessThanOrEqual(answered + 1);
    }
    const [left = 0, right = 0] = numbers.own.map(([number]) => number);
    expect(numbers.shared).toBe(left + right);
  }
});

function lastAnswered(one: Child): number {
  return Math.max(...one.lines().map(Number));
}

async function numbersIn(file: string, names: readonly string[]) {
  const store = sqliteTaskStore({ file });
  const own = names.map((name) => [0, 1, 2, 3, 4].map((n): DocumentId => `pools/${name}-${n}`));
  const read = await store.read([...own.flat(), "pools/shared"]);
  await store.close();
  const number = (id: DocumentId) => (read.get(id)?.body as PoolDocument | null)?.limit;
  return { own: own.map((ids) => ids.map(number)), shared: number("pools/shared") };
}
