import { Command, Option } from "commander";
import { STATUS } from "../../core/status.ts";
import type { Task, TaskStateKind } from "../../schemas/tasks.ts";
import { wholeNumber } from "../errors.ts";
import { dataOption, type StateOptions, settingsOption, withState } from "../state.ts";
import { tableOf } from "../text-table.ts";

interface TasksOptions extends StateOptions {
  readonly state?: TaskStateKind;
  readonly step?: string;
  readonly limit: number;
  readonly json?: boolean;
}

/** `landfall tasks`: every task and where it stands, newest partition first. */
export function tasksCommand(): Command {
  return new Command("tasks")
    .description("list tasks, newest partition first")
    .addOption(dataOption())
    .addOption(settingsOption())
    .addOption(
      new Option("--state <state>", "only tasks in this state").choices(Object.keys(STATUS)),
    )
    .option("--step <step>", "only tasks of this step, <config>/<mode>")
    .option("--limit <n>", "at most this many", wholeNumber, 1000)
    .option("--json", "print the documents as JSON")
    .action(async (options: TasksOptions) => {
      const { state, step, limit } = options;
      const tasks = await withState(options, ({ store }) =>
        store.listTasks({
          limit,
          ...(state === undefined ? {} : { state }),
          ...(step === undefined ? {} : { step }),
        }),
      );
      process.stdout.write(
        options.json === true ? `${JSON.stringify(tasks, null, 2)}\n` : `${tasksTable(tasks)}\n`,
      );
    });
}

/** Tasks as a table for people. */
export function tasksTable(tasks: readonly Task[]): string {
  if (tasks.length === 0) return "no tasks";
  const table = tableOf({ day: 10, step: 41, state: 10, run: 4, why: 30 });
  for (const task of tasks) {
    const run = task.runs.at(-1);
    const attempt = run?.attempts.at(-1)?.attempt;
    table.add({
      day: task.start === task.end ? task.start : `${task.start}..${task.end}`,
      step: task.step,
      state: task.state.kind,
      run: run === undefined ? "" : `${run.run}.${attempt ?? 0}`,
      why: task.why,
    });
  }
  return table.render();
}
