import { Command } from "commander";
import { explainPartition, explainTask, type Reason, withQueue } from "../../core/explain.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import { Partition, parseTaskId, TaskId } from "../../schemas/ids.ts";
import type { Task } from "../../schemas/tasks.ts";
import { BadAnswer, UsageError } from "../errors.ts";
import { ask, dataOption, type StateOptions, settingsOption, withState } from "../state.ts";

interface WhyOptions extends StateOptions {
  readonly json?: boolean;
}

/**
 * `landfall why TABLE@PARTITION|TASK`: why a task runs, ran or waits, or what a partition waits
 * for. Exit code 1 when it failed or is not known.
 */
export function whyCommand(): Command {
  return new Command("why")
    .description("say why a task or a partition is as it is")
    .argument("<what>", "<table>@<yyyy-MM-dd> or <config>/<mode>@<yyyy-MM-dd>")
    .addOption(dataOption())
    .addOption(settingsOption())
    .option("--json", "print the answer as JSON")
    .action(async (what: string, options: WhyOptions) => {
      const reason = await withState(options, async (state) => {
        const answer = await ask(state, (deciding) => {
          const at = what.lastIndexOf("@");
          const name = what.slice(0, at);
          const partition = Partition.safeParse(what.slice(at + 1));
          const isTask =
            TaskId.safeParse(what).success &&
            deciding.plan.step(parseTaskId(what).step) !== undefined;
          if (isTask) return explainTask(deciding, what);
          if (at < 1 || !partition.success) {
            throw new UsageError(
              `"${what}" names neither a partition (db.table@2025-09-30) nor a task of the plan`,
            );
          }
          return explainPartition(deciding, name, partition.data);
        });
        return queuedAnswer(state.store, answer);
      });
      process.stdout.write(
        options.json === true ? `${JSON.stringify(reason, null, 2)}\n` : reasonText(reason),
      );
      if (/^(failed|unknown)/.test(reason.is)) throw new BadAnswer();
    });
}

/** How far the queue of a pool is looked at. */
const queueMax = 1_000;

/** The answer; of a task that waits for a slot or its turn, with who is before it. */
async function queuedAnswer(store: TaskStore, answer: Reason): Promise<Reason> {
  const id = `tasks/${answer.what}` as const;
  const task = (await store.read([id])).get(id)?.body as Task | null | undefined;
  const pool = task?.queuedFor ?? null;
  return pool === null ? answer : withQueue(answer, pool, await store.queuedTasks(pool, queueMax));
}

/** An answer as an indented list. */
export function reasonText(reason: Reason, indent = ""): string {
  const line = `${indent}${reason.what}: ${reason.is}\n`;
  return line + reason.because.map((deeper) => reasonText(deeper, `${indent}  `)).join("");
}
