import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { firestoreTaskStore } from "../../adapters/gcp/task-store.ts";
import type { DocumentId } from "../../schemas/documents.ts";
import type { PoolDocument } from "../../schemas/tasks.ts";
import { child } from "../support/children.ts";
import { emulated, freshProject } from "../support/emulators/emulated.ts";

const folder = mkdtempSync(join(tmpdir(), "landfall-kill-firestore-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const writer = new URL("../support/firestore-writer.ts", import.meta.url).pathname;

emulated(["firestore"], "killing a Firestore writer", () => {
  test("a process killed in the middle of a group commit leaves all of it or nothing, and nobody waits for it", async () => {
    const projectId = freshProject();
    const start = (name: string, other: string, round: number) =>
      child(writer, join(folder, `${name}-${round}`), projectId, name, other);
    const survivor = start("survivor", "killed", 0);
    const store = firestoreTaskStore({ projectId });
    for (let round = 0; round < 4; round += 1) {
      const killed = start("killed", "survivor", round);
      await killed.line("");
      await sleep(Math.random() * 100);
      await killed.kill();
      const answered = Math.max(...killed.lines().map(Number));
      const before = survivor.lines().length;
      await expect
        .poll(() => survivor.lines().length, { timeout: 10_000 })
        .toBeGreaterThan(before + 2);
      const ids = Array.from({ length: 50 }, (_, n): DocumentId => `pools/killed-${n}`);
      const numbers = [...(await store.read(ids)).values()].map(
        ({ body }) => (body as PoolDocument | null)?.limit,
      );
      expect(new Set(numbers).size).toBe(1);
      expect([answered, answered + 1]).toContain(numbers[0]);
    }
    await survivor.kill();
    await store.close();
  }, 120_000);
});
