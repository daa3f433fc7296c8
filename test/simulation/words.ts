import type { Command } from "../../schemas/commands.ts";
import type { LandfallEvent } from "../../schemas/events.ts";
import type { Task } from "../../schemas/tasks.ts";
import type { Broken, TraceEntry } from "./trace.ts";

/** A trace as a person would tell it: what changed nothing is left out. */
export function inWords(trace: readonly TraceEntry[], broken: readonly Broken[]): string[] {
  const states = new Map<string, string>();
  const lines = trace.flatMap((entry) => {
    const words = wordsOf(entry, states);
    return words === null ? [] : [`${time(entry.at)}  ${words}`];
  });
  return [...lines, "", ...broken.map(({ promise, what }) => `BROKEN ${promise}: ${what}`)];
}

function time(at: number): string {
  return new Date(at).toISOString().slice(5, 23).replace("T", " ");
}

function wordsOf(entry: TraceEntry, states: Map<string, string>): string | null {
  switch (entry.kind) {
    case "begun":
      return `the configs ask for ${entry.wanted.steps.map(({ id }) => id).join(", ")}`;
    case "released":
      return `another release asks for ${entry.wanted.steps.map(({ id }) => id).join(", ") || "nothing"}`;
    case "table-commit": {
      const by = entry.jobId === null ? "somebody" : `job ${short(entry.jobId)}`;
      const gone = entry.emptied.length === 0 ? "" : `, takes away ${entry.emptied.join(", ")}`;
      return `${by} writes ${entry.table}@${entry.added.join(", ") || "nothing"}${gone} in commit ${entry.n}`;
    }
    case "table-dropped":
      return `somebody drops ${entry.table}`;
    case "online-rows": {
      const cell = entry.cellDay === entry.day ? "" : `, in a cell of ${entry.cellDay}`;
      return `job ${short(entry.jobId)} loads ${entry.day} of ${entry.config} into the online store${cell}`;
    }
    case "metadata-rows": {
      const [first] = entry.rows;
      const does = first?.content === null ? "deletes" : "writes";
      return `${entry.by ?? "somebody"} ${does} ${entry.rows.length} rows of metadata, ${first?.key} first`;
    }
    case "metadata-uploaded":
      return `job ${short(entry.jobId)} writes the metadata of ${entry.key}`;
    case "told":
      return `${entry.route} is told: ${entry.alert} ${entry.change}`;
    case "attempts-counted":
      return null;
    case "stored":
      return stored(entry, states);
    case "job-begun":
      return `job ${short(entry.jobId)} begins: ${entry.task} run ${entry.run} attempt ${entry.attempt}${entry.from === undefined ? "" : `, ${entry.from ?? "anew"}`}`;
    case "checkpoint":
      return null;
    case "manifest":
      return entry.whole ? null : `a manifest of ${entry.config} is not whole`;
    case "job-ended":
      return `job ${short(entry.jobId)} ${entry.state}`;
    case "commanded":
      return `an operator asks: ${entry.command.kind} ${aboutInWords(entry.command)}`;
    case "fault":
      return `FAULT ${entry.words}`;
    case "process":
      return `${entry.name} ${entry.does}`;
    case "faults-over":
      return "from here on nothing goes wrong";
    case "ended":
      return "two days later";
  }
}

function aboutInWords(command: Command): string {
  if ("task" in command) return command.task;
  if ("config" in command) return command.config;
  if ("keys" in command) return command.keys.join(", ");
  return `${command.target} ${command.start}..${command.end}`;
}

/** Only moves of tasks, and which plan decides. */
function stored(
  { id, body, by }: Extract<TraceEntry, { kind: "stored" }>,
  states: Map<string, string>,
): string | null {
  if (id === "plans/current") return `${by} makes the release current`;
  if (!id.startsWith("tasks/") || body === null) return null;
  const { state, why, id: task } = body as Task;
  const line = `${state.kind}: ${why}`;
  if (states.get(task) === line) return null;
  states.set(task, line);
  return `${by}: ${task} is ${line}`;
}

function short(jobId: string): string {
  return jobId.slice("landfall-".length, "landfall-".length + 6);
}

/** Which event it is; no two are told in the same words unless they say the same. */
export function eventInWords(event: LandfallEvent): string {
  switch (event.kind) {
    case "partition-landed": {
      const { epoch, n } = event.landing.version;
      return `the landing of ${event.table}@${event.partition} at ${epoch}.${n}`;
    }
    case "table-recreated":
      return `the news that ${event.table} was made anew`;
    case "job-settled":
      return `the end of ${event.task} run ${event.run} attempt ${event.attempt}`;
    case "configs-released":
      return "a release";
    case "tick":
      return "a tick";
    case "backfill-requested":
    case "task-retry":
    case "task-cancel":
    case "stream-deploy":
    case "stream-stop":
    case "metadata-delete":
      return event.id;
  }
}
