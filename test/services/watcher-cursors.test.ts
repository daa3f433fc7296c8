import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { sqliteTaskStore } from "../../adapters/embedded/task-store.ts";
import { lakeLayout } from "../../core/lake-layout.ts";
import { cursorsOf } from "../../services/watcher/cursors.ts";
import { emptyCursor, followed } from "../../services/watcher/followed.ts";
import { planTable, temporaryLake } from "../support/lake.ts";

test("of two watchers that saw a table made anew, the one that saw less takes the other's epoch over", async () => {
  const folder = temporaryLake();
  const store = sqliteTaskStore({ file: join(folder.root, "state.db") });
  onTestFinished(async () => {
    await store.close();
    folder.remove();
  });
  const table = lakeLayout([planTable("db.t")], {}).tables.get("db.t");
  if (table === undefined) throw new Error("the plan has no db.t");
  const watcher = async (epoch: number, contiguous: number) => {
    const cursors = cursorsOf(store);
    await cursors.load(["db.t"]);
    const one = followed(table, { ...emptyCursor(table), tableId: "z", epoch, contiguous });
    return { one, save: () => cursors.save([one], { all: true }) };
  };
  const [twice, once] = [await watcher(2, 0), await watcher(1, 3)];
  await twice.save();
  for (let n = 0; n < 3; n += 1) await once.save();
  const stored = (await store.read(["cursors/db.t"])).get("cursors/db.t")?.body;
  expect(stored).toMatchObject({ epoch: 2, contiguous: 0 });
  expect(once.one).toMatchObject({ cursor: stored, verified: false });
});
