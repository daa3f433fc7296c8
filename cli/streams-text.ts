import type { EpochMs } from "../schemas/ids.ts";
import type { StreamDocument } from "../schemas/streams.ts";
import { tableOf } from "./text-table.ts";

/** Streams as a table for people, and what is wrong with each; times are UTC. */
export function streamsText(streams: readonly StreamDocument[]): string {
  if (streams.length === 0) return "no streams";
  const table = tableOf({ groupby: 36, state: 11, attempt: 7, checkpoint: 19, why: 48 });
  for (const { config, state, attempts, checkpoint, why } of streams) {
    table.add({
      groupby: config,
      state: state.kind,
      attempt: String(attempts.at(-1)?.attempt ?? ""),
      checkpoint: checkpoint === null ? "" : shown(checkpoint.at),
      why,
    });
  }
  return [table.render(), ...streams.flatMap(troubleLines)].join("\n");
}

function troubleLines({ config, troubles }: StreamDocument): string[] {
  return troubles.map(
    ({ kind, sentence, since }) => `${kind} ${config} since ${shown(since)}: ${sentence}`,
  );
}

/** One stream with its attempts. */
export function streamText(stream: StreamDocument): string {
  const { config, state, why, wanted, seen, checkpoint, attempts, asked } = stream;
  const lines = [
    ["stream", config],
    ["state", state.kind],
    ["why", why],
    ["topic", wanted?.topic ?? "none: its config left the plan"],
    ["as of", shown(seen.at)],
    ["runs", seen.jobIds.join(", ") || "nothing"],
    ["manifest", seen.manifest === null ? "none" : `names ${seen.manifest.parentJobId}`],
    ["checkpoint", checkpoint === null ? "none" : `${checkpoint.path} of ${shown(checkpoint.at)}`],
  ];
  if (asked !== null) lines.push(["asked", `${asked.does} by ${asked.by}, not done yet`]);
  for (const attempt of attempts) lines.push([`attempt ${attempt.attempt}`, attemptLine(attempt)]);
  const text = lines.map(([name = "", what = ""]) => `${name.padEnd(12)}${what}`);
  return [...text, ...troubleLines(stream)].join("\n");
}

function attemptLine(attempt: StreamDocument["attempts"][number]): string {
  const { claimedAt, jobId, because, from, endedAt, outcome, error, log } = attempt;
  const end =
    endedAt === null
      ? "not ended"
      : `${outcome} ${shown(endedAt)}${error === null ? "" : `: ${error}`}`;
  return [
    `${shown(claimedAt)}  ${jobId}, ${from === null ? "without state" : `from ${from.path}`}; ${because}`,
    end,
    ...(log === null ? [] : [`log ${log}`]),
  ].join(`\n${" ".repeat(12)}`);
}

function shown(at: EpochMs): string {
  return new Date(at).toISOString().replace("T", " ").slice(0, 19);
}
