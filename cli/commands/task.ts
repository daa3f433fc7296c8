import { Command } from "commander";
import { usageText } from "../../core/usage.ts";
import { TaskId } from "../../schemas/ids.ts";
import type { Task } from "../../schemas/tasks.ts";
import { BadAnswer, UsageError } from "../errors.ts";
import { dataOption, type StateOptions, settingsOption, withState } from "../state.ts";

/** `landfall task ID`: one task with its runs and attempts. Exit code 1 when it failed. */
export function taskCommand(): Command {
  return new Command("task")
    .description("show one task with its runs, attempts, errors and logs")
    .argument("<id>", "<config>/<mode>@<yyyy-MM-dd>")
    .addOption(dataOption())
    .addOption(settingsOption())
    .option("--json", "print the document as JSON")
    .action(async (id: string, options: StateOptions & { json?: boolean }) => {
      const parsed = TaskId.safeParse(id);
      if (!parsed.success)
        throw new UsageError(`"${id}" is no task: ${parsed.error.issues[0]?.message}`);
      const task = await withState(options, async ({ store }) => {
        const read = await store.read([`tasks/${id}`]);
        return (read.get(`tasks/${id}`)?.body ?? null) as Task | null;
      });
      if (task === null) {
        throw new Error(
          `there is no task ${id} (yet); "landfall why ${id}" says what it would wait for`,
        );
      }
      process.stdout.write(
        options.json === true ? `${JSON.stringify(task, null, 2)}\n` : taskText(task),
      );
      if (task.state.kind === "failed") throw new BadAnswer();
    });
}

/** A task for people, its attempts with what they used. */
export function taskText(task: Task): string {
  const lines = [
    task.id,
    `  state     ${task.state.kind}`,
    `  why       ${task.why}`,
    `  pipeline  ${task.pipeline} (team ${task.team})`,
    `  born      ${utc(task.bornAt)}`,
  ];
  if (task.wakeAt !== null) lines.push(`  looks again ${utc(task.wakeAt)}`);
  for (const run of task.runs) {
    lines.push(`  run ${run.run}, because ${run.because}, ${utc(run.at)}`);
    for (const attempt of run.attempts) {
      lines.push(
        `    attempt ${attempt.attempt}  ${attempt.outcome ?? "not ended"}  job ${attempt.jobId}`,
      );
      if (attempt.startedAt !== null) lines.push(`      started ${utc(attempt.startedAt)}`);
      if (attempt.endedAt !== null) lines.push(`      ended   ${utc(attempt.endedAt)}`);
      if (attempt.error !== null) lines.push(`      error   ${attempt.error}`);
      const used = attempt.usage === undefined ? null : usageText(attempt.usage);
      if (used !== null) lines.push(`      used    ${used}`);
      if (attempt.log !== null) lines.push(`      log     ${attempt.log}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function utc(at: number): string {
  return `${new Date(at).toISOString().replace("T", " ").slice(0, 19)} UTC`;
}
