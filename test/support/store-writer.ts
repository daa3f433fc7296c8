import { writeSync } from "node:fs";
import { sqliteTaskStore } from "../../adapters/embedded/task-store.ts";
import type { Write } from "../../ports/task-store.ts";
import type { PoolDocument } from "../../schemas/tasks.ts";
import { pool } from "./documents.ts";

/**
 * A process that commits until it is killed: documents of its own, all with the same number, and one
 * that all processes count up together. Says each number once it was answered `committed`.
 */
const [file = "", name = ""] = process.argv.slice(2);
const store = sqliteTaskStore({ file });
const own = [0, 1, 2, 3, 4].map((n) => `pools/${name}-${n}` as const);
const shared = "pools/shared";

for (;;) {
  const read = await store.read([...own, shared]);
  const numberOf = (id: `pools/${string}`) =>
    (read.get(id)?.body as PoolDocument | null)?.limit ?? 0;
  const next = numberOf(own[0] ?? shared) + 1;
  const writes: Write[] = [
    ...own.map((id) => ({ id, body: pool(name, next), version: read.get(id)?.version ?? null })),
    {
      id: shared,
      body: pool("shared", numberOf(shared) + 1),
      version: read.get(shared)?.version ?? null,
    },
  ];
  const answer = await store.commit({ writes, checks: [] });
  if (answer.kind === "committed") writeSync(1, `${next}\n`);
}
