import type { DocumentId, DocumentOf } from "../schemas/documents.ts";
import type { Task } from "../schemas/tasks.ts";
import { isLive, STATUS } from "./status.ts";

/** One broken promise. */
export interface Violation {
  readonly invariant: "I2" | "I3" | "I5" | "I6" | "I7";
  readonly document: DocumentId;
  readonly message: string;
}

/**
 * The invariants that a store's documents must keep at any one moment. Those about what happens
 * over time (I1, I4, I8) are for whoever has seen the history: the stories and the properties in
 * `test/core`.
 */
export function violations(
  documents: ReadonlyMap<DocumentId, DocumentOf<DocumentId>>,
): Violation[] {
  const found: Violation[] = [];
  for (const [id, document] of documents) {
    if (id.startsWith("tasks/")) found.push(...taskViolations(id, document as Task));
    if (id.startsWith("pools/")) {
      found.push(...poolViolations(id, document as DocumentOf<`pools/${string}`>, documents));
    }
  }
  return found;
}

function taskViolations(id: DocumentId, task: Task): Violation[] {
  const found: Violation[] = [];
  const say = (invariant: Violation["invariant"], message: string) =>
    found.push({ invariant, document: id, message });
  const open = task.runs.flatMap((run) => run.attempts).filter(({ outcome }) => outcome === null);
  const live = isLive(task.state);
  if (open.length > (live ? 1 : 0))
    say("I2", `${open.length} attempts are open while ${task.state.kind}`);
  const last = task.runs.at(-1)?.attempts.at(-1);
  if (isLive(task.state) && last?.jobId !== task.state.jobId) {
    say("I3", `its live job ${task.state.jobId} is not its last attempt`);
  }
  const byRange = task.state.kind === "succeeded" && task.state.remark?.startsWith("by ") === true;
  if (task.state.kind === "succeeded" && !byRange && last?.outcome !== "succeeded") {
    say("I5", `it says succeeded, its last attempt ${last?.outcome ?? "never ran"}`);
  }
  const numbers = task.runs.map(({ run }) => run);
  if (numbers.some((run, at) => at > 0 && run <= (numbers[at - 1] ?? 0))) {
    say("I7", `its runs do not grow: ${numbers.join(", ")}`);
  }
  if (!STATUS[task.state.kind].terminal && task.wakeAt === null && task.state.kind !== "covered") {
    say("I7", `it is ${task.state.kind} and nothing will wake it`);
  }
  return found;
}

function poolViolations(
  id: DocumentId,
  pool: DocumentOf<`pools/${string}`>,
  documents: ReadonlyMap<DocumentId, DocumentOf<DocumentId>>,
): Violation[] {
  const holders = Object.keys(pool.holders);
  const found: Violation[] = [];
  if (holders.length > pool.limit) {
    const message = `${holders.length} hold slots, its limit is ${pool.limit}`;
    found.push({ invariant: "I6", document: id, message });
  }
  if (pool.name.startsWith("table:")) return found;
  for (const holder of holders) {
    const task = documents.get(`tasks/${holder}`) as Task | undefined;
    if (task === undefined || !STATUS[task.state.kind].holdsSlot) {
      const message = `${holder} holds a slot while ${task?.state.kind ?? "absent"}`;
      found.push({ invariant: "I6", document: id, message });
    }
  }
  return found;
}
