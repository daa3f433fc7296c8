import { Command } from "commander";
import { explainPartition, explainTask, type Reason } from "../../core/explain.ts";
import { Partition, parseTaskId, TaskId } from "../../schemas/ids.ts";
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
      const reason = await withState(options, (state) =>
        ask(state, (deciding) => {
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
        }),
      );
      process.stdout.write(
        options.json === true ? `${JSON.stringify(reason, null, 2)}\n` : reasonText(reason),
      );
      if (/^(failed|unknown)/.test(reason.is)) throw new BadAnswer();
    });
}

/** An answer as an indented list. */
export function reasonText(reason: Reason, indent = ""): string {
  const line = `${indent}${reason.what}: ${reason.is}\n`;
  return line + reason.because.map((deeper) => reasonText(deeper, `${indent}  `)).join("");
}
