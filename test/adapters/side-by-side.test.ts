import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filter, firstValueFrom } from "rxjs";
import { expect, test } from "vitest";
import { sqliteTaskStore } from "../../adapters/embedded/task-store.ts";
import { pool } from "../support/documents.ts";
import { jobSpecs } from "../support/job-specs.ts";
import { rehearsalPlace } from "../support/rehearsal-place.ts";
import { put } from "../support/task-stores.ts";

/** What takes long on one machine goes on beside other work. */

test("commit after commit, whatever else waits has its turn in between", async () => {
  const folder = mkdtempSync(join(tmpdir(), "landfall-turns-"));
  const store = sqliteTaskStore({ file: join(folder, "state.db") });
  let turns = 0;
  const turn = () => {
    turns += 1;
    waiting = setImmediate(turn);
  };
  let waiting = setImmediate(turn);
  try {
    for (let nth = 0; nth < 20; nth += 1) await put(store, `pools/p${nth}`, pool(`p${nth}`));
    expect(turns).toBeGreaterThanOrEqual(19);
  } finally {
    clearImmediate(waiting);
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("of many rehearsed jobs the first is told as ended while others are still to be done", async () => {
  const at = rehearsalPlace();
  const next = jobSpecs();
  try {
    const runner = at.open();
    const specs = Array.from({ length: 200 }, (_, nth) =>
      next({
        range: { start: "2025-09-01", end: "2025-09-01" },
        output: { table: `risk.t${nth}`, column: "ds", effect: "overwrites" },
      }),
    );
    const ended = runner.statuses().pipe(filter(({ state }) => state === "succeeded"));
    const first = firstValueFrom(ended);
    await Promise.all(specs.map((spec) => runner.submit(spec)));
    await first;
    const commits = await Promise.all(specs.map((_, nth) => at.commits(`risk/t${nth}`)));
    expect(commits.filter((some) => some.length > 0).length).toBeLessThan(200);
  } finally {
    await at.close();
  }
});
