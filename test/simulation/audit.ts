import type { Task } from "../../schemas/tasks.ts";
import { noticeTaken } from "./audit/alerts.ts";
import { attemptsCounted } from "./audit/attempts.ts";
import { taskStored } from "./audit/changes.ts";
import { documentStored, tableCommitted, tableDropped } from "./audit/facts.ts";
import { emptyHistory, type History, released } from "./audit/history.ts";
import { jobBegun, jobEnded } from "./audit/jobs.ts";
import { metadataReleased, metadataRow, rowsAsked, uploadStored } from "./audit/metadata.ts";
import { rowUploaded } from "./audit/metadata-jobs.ts";
import { atRest } from "./audit/rest.ts";
import { rowLoaded } from "./audit/serving.ts";
import { checkpointed, streamBegun, streamEnded, streamHistory } from "./audit/streams.ts";
import type { Broken, TraceEntry } from "./trace.ts";

/**
 * Every promise that a trace breaks. It shares no code with the engine: what truly happened, what
 * was stored, and its own idea of what configs need are all it goes by.
 */
export function audit(trace: readonly TraceEntry[]): Broken[] {
  const [begun] = trace;
  if (begun?.kind !== "begun") throw new Error("a trace begins with its settings");
  const history = emptyHistory(begun);
  let commit: { n: number; tasks: Extract<TraceEntry, { kind: "stored" }>[] } = {
    n: -1,
    tasks: [],
  };
  const committed = () => {
    // All documents of a commit appear at once.
    const tasks = commit.tasks.map(({ body, at }) => {
      const task = body as Task;
      return { task, before: history.tasks.get(task.id), at };
    });
    for (const entry of commit.tasks) documentStored(history, entry);
    for (const stored of tasks) taskStored(history, stored);
    commit = { n: -1, tasks: [] };
  };
  trace.forEach((entry, position) => {
    if (entry.kind === "stored") {
      if (entry.commit !== commit.n) committed();
      commit.n = entry.commit;
      if (entry.id === "metadata/current") uploadStored(history, entry);
      if (entry.id.startsWith("tasks/") && entry.body !== null) commit.tasks.push(entry);
      else documentStored(history, entry);
      return;
    }
    committed();
    happened(history, entry, position);
  });
  committed();
  return history.broken;
}

function happened(history: History, entry: TraceEntry, position: number): void {
  switch (entry.kind) {
    case "released":
      metadataReleased(history, entry);
      return released(history, entry);
    case "metadata-rows":
      for (const row of entry.rows) metadataRow(history, { ...row, by: entry.by, at: entry.at });
      return;
    case "metadata-uploaded":
      return rowUploaded(history, entry);
    case "table-commit":
      return tableCommitted(history, entry);
    case "table-dropped":
      return tableDropped(history, entry);
    case "online-rows":
      return rowLoaded(history, entry);
    case "told":
      return noticeTaken(history, entry);
    case "attempts-counted":
      return attemptsCounted(history, entry);
    case "job-begun":
      if (entry.from !== undefined) return streamBegun(history, { ...entry, from: entry.from });
      return jobBegun(history, entry, position);
    case "job-ended":
      if (streamEnded(history, entry)) return;
      return jobEnded(history, entry);
    case "checkpoint":
      return checkpointed(history, entry);
    case "manifest":
      streamHistory(history, entry.config).isManifestWhole = entry.whole;
      return;
    case "ended":
      return atRest(history, entry);
    case "commanded":
      history.commanded.add(entry.command.id);
      if ("config" in entry.command) {
        const { command, at } = entry;
        streamHistory(history, entry.command.config).asked.push({ command, at });
      }
      if ("keys" in entry.command) rowsAsked(history, entry.command);
      return;
    case "begun":
    case "stored":
    case "fault":
    case "process":
    case "faults-over":
      return;
  }
}
