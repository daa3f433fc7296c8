import { writeSync } from "node:fs";
import { join } from "node:path";
import { sqliteBus } from "../../adapters/embedded/bus.ts";
import { sqliteTaskStore } from "../../adapters/embedded/task-store.ts";
import { pool, tick } from "./documents.ts";

/**
 * A process that opens new files in the very milliseconds in which its siblings do, and uses them.
 * Says the number of each file that worked.
 */
const [folder = "", name = "", begin = "0", files = "0"] = process.argv.slice(2);
for (let n = 0; n < Number(files); n += 1) {
  while (Date.now() < Number(begin) + n * 50);
  const file = join(folder, `${n}.db`);
  const store = sqliteTaskStore({ file });
  const bus = sqliteBus({ file });
  const write = { id: `pools/${name}` as const, body: pool(name), version: null };
  const { kind } = await store.commit({ writes: [write], checks: [] });
  await bus.publish([tick(n)]);
  await bus.close();
  await store.close();
  writeSync(1, `${kind} ${n}\n`);
}
writeSync(1, "done\n");
