import type { AlertSettings } from "../../schemas/alert-settings.ts";
import type { AlertKind, Awaited } from "../../schemas/alerts.ts";
import type { EpochMs, Partition, TaskId } from "../../schemas/ids.ts";
import type { PlanProblem, PlanStep } from "../../schemas/plan.ts";
import type { StreamDocument } from "../../schemas/streams.ts";
import type { Task } from "../../schemas/tasks.ts";
import { causeOf } from "../cause.ts";
import { dayMs } from "../dates.ts";
import { nothingWritten } from "../outcome.ts";
import { own } from "../own.ts";

/** One thing that is wrong now. */
export interface Signal {
  readonly kind: AlertKind;
  readonly team: string;
  /** The step or table it is about; null: whatever has this cause is one trouble of the team. */
  readonly subject: string | null;
  /** What is wrong, in the words that all of one cause share. */
  readonly cause: string;
  /** One line for people. */
  readonly line: string;
  readonly since: EpochMs;
  readonly task?: TaskId;
  /** Where its job's log is. */
  readonly log?: string;
  /** The day of a table that is waited for. */
  readonly awaited?: Awaited;
}

/** The team of what belongs to none: dead letters, configs of no team. */
export const noTeam = "landfall";

/**
 * Whether a failed task is nobody's trouble any more: its step left the plan, or is one of which only
 * the newest day counts, and a newer one was done since. `step`: its step in the plan.
 */
export function isMoot(task: Task, step: PlanStep | undefined, newest: Partition | null): boolean {
  if (step === undefined) return true;
  return step.strategy === "latest-only" && newest !== null && newest > task.end;
}

/** A task that failed for good, unless that is so long ago that nobody will see to it. */
export function ofFailed(
  tasks: readonly Task[],
  { now, settings }: { readonly now: EpochMs; readonly settings: AlertSettings },
): Signal[] {
  return tasks.flatMap((task) => {
    const { state } = task;
    if (state.kind !== "failed" || now - state.at > settings.forgetDays * dayMs) return [];
    const wroteNothing = state.reason.startsWith(nothingWritten);
    const attempt = task.runs.at(-1)?.attempts.at(-1);
    const log = attempt?.log ?? null;
    return [
      {
        kind: wroteNothing ? "nothing-written" : "step-failed",
        team: task.team,
        subject: attempt?.blame === "infrastructure" ? null : task.step,
        cause: causeOf(state.reason, [task.id, task.step, task.config]),
        line: `${task.id}: ${firstLine(state.reason)}`,
        since: state.at,
        task: task.id,
        ...(log === null ? {} : { log }),
      },
    ];
  });
}

/** A task whose job runs longer than jobs of its mode should. */
export function ofRunning(
  tasks: readonly Task[],
  { now, settings }: { readonly now: EpochMs; readonly settings: AlertSettings },
): Signal[] {
  const { minutes, modes } = settings.runningLong;
  return tasks.flatMap((task) => {
    const attempt = task.runs.at(-1)?.attempts.at(-1);
    if (task.state.kind !== "running" || attempt === undefined) return [];
    const allowed = own(modes, task.mode) ?? minutes;
    if (now - attempt.claimedAt < allowed * 60_000) return [];
    return [
      {
        kind: "running-long",
        team: task.team,
        subject: task.step,
        cause: "",
        line: `${task.id}: its job ${attempt.jobId} runs for more than ${allowed} minutes`,
        since: attempt.claimedAt + allowed * 60_000,
        task: task.id,
      },
    ];
  });
}

/** Configs that a release had and the plan has not. */
export function ofProblems(problems: readonly PlanProblem[], released: EpochMs): Signal[] {
  return problems
    .filter(({ severity }) => severity === "error")
    .map(({ file, config, message }) => ({
      kind: "config-rejected",
      team: teamOf(config, file),
      subject: null,
      cause: causeOf(message, [file, config ?? ""]),
      line: `${config ?? file}: ${firstLine(message)}`,
      since: released,
    }));
}

/** As config files are laid out: `…/{conf type}/{team}/{name}`; a config's name begins with its team. */
function teamOf(config: string | undefined, file: string): string {
  if (config?.includes(".") === true) return config.slice(0, config.indexOf("."));
  return file.split("/").at(-2) ?? noTeam;
}

/** An event nobody could handle. */
export interface Letter {
  readonly id: string;
  readonly reason: string;
  readonly at: EpochMs;
}

export function ofLetters(
  letters: readonly Letter[],
  { now, settings }: { readonly now: EpochMs; readonly settings: AlertSettings },
): Signal[] {
  return letters
    .filter(({ at }) => now - at <= settings.forgetDays * dayMs)
    .map(({ id, reason, at }) => ({
      kind: "dead-letter",
      team: noTeam,
      subject: null,
      cause: causeOf(reason, [id]),
      line: `${id}: ${firstLine(reason)}`,
      since: at,
    }));
}

/** What is wrong with streams, as their documents say. What is said of one may change; it is one trouble. */
export function ofStreams(streams: readonly StreamDocument[]): Signal[] {
  return streams.flatMap(({ config, team, troubles, attempts }) =>
    troubles.map(({ kind, sentence, since }) => {
      const log = attempts.at(-1)?.log ?? null;
      return {
        kind,
        team,
        subject: config,
        cause: "",
        line: `${config}: ${firstLine(sentence)}`,
        since,
        ...(log === null ? {} : { log }),
      };
    }),
  );
}

const lineMax = 300;

/** What fits on one line of a message; the log has the rest. */
export function firstLine(text: string): string {
  const [first = ""] = text.trim().split("\n");
  return first.length <= lineMax ? first : `${first.slice(0, lineMax - 1)}…`;
}
