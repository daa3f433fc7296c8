import { sqliteTaskStore } from "../../adapters/embedded/task-store.ts";
import type { CommitAnswer } from "../../ports/task-store.ts";
import { pool } from "./documents.ts";

/**
 * A process that commits `pools/0`, `pools/1`, … until one is not answered `committed`, which
 * happens when it runs where files may not grow. Prints how many were, and that other answer.
 */
const [file = ""] = process.argv.slice(2);
process.on("SIGXFSZ", () => {});
const store = sqliteTaskStore({ file });
let committed = 0;
let answer: CommitAnswer;
for (;;) {
  const id = `pools/${committed}` as const;
  const write = { id, body: pool("x".repeat(3_000)), version: null };
  answer = await store.commit({ writes: [write], checks: [] });
  if (answer.kind !== "committed") break;
  committed += 1;
}
console.log(JSON.stringify({ committed, answer }));
