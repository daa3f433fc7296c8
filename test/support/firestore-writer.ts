import { writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { firestoreDatabase } from "../../adapters/gcp/firestore-database.ts";
import { taskStoreOver } from "../../adapters/gcp/task-store.ts";
import type { PoolDocument } from "../../schemas/tasks.ts";
import { pool } from "./documents.ts";
import { hurried } from "./hurried.ts";

/**
 * A process that commits groups until it is killed: fifty documents of its own, all with the same
 * number, and a check of each of another's. Says each number once it was answered `committed`.
 * Rests in between, each time another while, so that two of them do not refuse each other for ever.
 */
const [projectId = "", name = "", other = ""] = process.argv.slice(2);
const store = taskStoreOver(firestoreDatabase({ projectId }), hurried);
const fifty = (of: string) => Array.from({ length: 50 }, (_, n) => `pools/${of}-${n}` as const);
const [own, others] = [fifty(name), fifty(other)];
const [first = "pools/none"] = own;

for (;;) {
  const read = await store.read([...own, ...others]);
  const versionOf = (id: `pools/${string}`) => read.get(id)?.version ?? null;
  const next = ((read.get(first)?.body as PoolDocument | null)?.limit ?? 0) + 1;
  const answer = await store.commit({
    writes: own.map((id) => ({ id, body: pool(name, next), version: versionOf(id) })),
    checks: others.map((id) => ({ id, version: versionOf(id) })),
  });
  if (answer.kind === "committed") writeSync(1, `${next}\n`);
  await sleep(Math.random() * 50);
}
