import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { openEmbedded } from "../../adapters/embedded/open.ts";
import { firestoreDatabase } from "../../adapters/gcp/firestore-database.ts";
import { bodyOf } from "../../adapters/gcp/firestore-values.ts";
import { commitDelta } from "../../lake/delta-writer.ts";
import { silentLog } from "../../ports/log.ts";
import { writeRelease } from "../../releases/release.ts";
import { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import { Settings } from "../../schemas/settings.ts";
import type { Task } from "../../schemas/tasks.ts";
import { child } from "../support/children.ts";
import { tick } from "../support/documents.ts";
import { emulated, freshProject } from "../support/emulators/emulated.ts";
import { stagingQueryFiles } from "../support/staging-queries.ts";

const replica = new URL("../support/firestore-dispatcher.ts", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "landfall-kill-dispatcher-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** So many tasks are claimed by one commit: far less than a commit holds. */
const tasks = 40;

emulated(["firestore"], "killing a dispatcher", () => {
  test.each([
    { said: "sending", afterMs: 0 },
    { said: "sending", afterMs: 60 },
    { said: "committed", afterMs: 0 },
  ])(
    "killed $afterMs ms after it said it was $said the claims of 40 tasks, it leaves all of them or none, and the next replica ends them",
    async ({ said, afterMs }) => {
      const at = join(folder, `${said}-${afterMs}`);
      const projectId = freshProject();
      const world = openEmbedded({
        data: join(at, "data"),
        lake: join(at, "lake"),
        runner: { kind: "rehearsal", behaviour: RehearsalBehaviour.parse({}) },
        settings: Settings.parse({}),
        log: silentLog,
      });
      const names = Array.from({ length: tasks }, (_, n) => [`q${n}`, ["bench.source"]]);
      const release = await writeRelease(
        world.configs,
        stagingQueryFiles(Object.fromEntries(names)),
      );
      await world.bus.publish([{ kind: "configs-released", schema: 1, release }]);
      await commitDelta(
        world.lake,
        { path: "bench/source", partitionColumn: "ds" },
        {
          partitions: [{ partition: day, rows: 10 }],
          mode: "append",
          operation: "WRITE",
          engineInfo: "a foreign writer",
          at: Date.now(),
        },
      );
      const database = firestoreDatabase({ projectId });
      const plans = async () => (await held(database, "plans")).length;
      const start = (by: string) => child(replica, join(at, `${by}.log`), at, projectId, by);

      const killed = start("killed");
      await expect.poll(plans, { timeout: 90_000 }).toBe(1);
      const before = told(await held(database, "tasks"));
      await world.bus.publish([landing]);
      await killed.line(`${said} ${tasks}`);
      await sleep(afterMs);
      await killed.kill();
      const found = await held(database, "tasks");
      const after = told(found);
      expect(before).toBe("no tasks");
      expect(said === "committed" ? [tasks] : [0, tasks]).toContain(found.length);

      start("next");
      const succeeded = async () => {
        await world.bus.publish([tick(Date.now())]);
        const ended = (await held(database, "tasks")).map(({ state }) => state.kind);
        return ended.filter((kind) => kind === "succeeded").length;
      };
      await expect.poll(succeeded, { timeout: 120_000, interval: 500 }).toBe(tasks);
      const end = told(await held(database, "tasks"));
      process.stderr.write(`killed ${afterMs} ms after "${said}": ${before}; ${after}; ${end}\n`);
      await database.close();
      await world.close();
    },
    300_000,
  );
});

const day = "2025-09-30";

const landing = {
  kind: "partition-landed",
  schema: 1,
  table: "bench.source",
  partition: day,
  landing: { state: "landed", version: { epoch: 0, n: 0 }, at: 0, seenBy: "manual" },
  backlog: false,
} as const;

/** A task as it lies in Firestore. */
type Stored = Pick<Task, "state" | "runs"> & { readonly commit: string };

async function held(
  database: ReturnType<typeof firestoreDatabase>,
  collectionId: string,
): Promise<Stored[]> {
  const limit = { value: 1_000 };
  const { found } = await database.query({ from: [{ collectionId }], orderBy: [], limit });
  return found.map(({ fields }) => bodyOf(fields) as unknown as Stored);
}

/** In words: `60 launching, written by 1 commit, 1 attempt each`. */
function told(found: readonly Stored[]): string {
  if (found.length === 0) return "no tasks";
  const states = [...new Set(found.map(({ state }) => state.kind))].toSorted();
  const commits = new Set(found.map(({ commit }) => commit)).size;
  const attempts = new Set(found.map(({ runs }) => runs.flatMap((run) => run.attempts).length));
  return `${found.length} ${states.join(" or ")}, written by ${commits} commits, ${[...attempts].join(" or ")} attempts each`;
}
