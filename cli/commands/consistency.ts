import { Command } from "commander";
import type { TaskStore } from "../../ports/task-store.ts";
import type { ConsistencyDocument } from "../../schemas/consistency.ts";
import { consistencyText } from "../consistency-text.ts";
import { UsageError, wholeNumber } from "../errors.ts";
import { dataOption, type StateOptions, settingsOption, withState } from "../state.ts";

interface ConsistencyOptions extends StateOptions {
  readonly days: number;
  readonly json?: boolean;
}

/** `landfall consistency JOIN`: how often its features were served as the offline join has them. */
export function consistencyCommand(): Command {
  return new Command("consistency")
    .description("show how often a join's features were served as the offline join computes them")
    .argument("<join>", "metaData.name of the join")
    .addOption(dataOption())
    .addOption(settingsOption())
    .option("--days <n>", "the newest days that were published", wholeNumber, 7)
    .option("--json", "print the documents as JSON, newest first")
    .action(async (join: string, options: ConsistencyOptions) => {
      const found = await withState(options, ({ store }) => published(store, join, options.days));
      const text = options.json === true ? JSON.stringify(found, null, 2) : consistencyText(found);
      process.stdout.write(`${text}\n`);
    });
}

/** What was published of the newest days, found by the tasks that published it. */
async function published(
  store: TaskStore,
  join: string,
  days: number,
): Promise<readonly ConsistencyDocument[]> {
  const step = `${join}/publish-metrics`;
  const tasks = await store.listTasks({ step, limit: days });
  const ids = tasks.map(({ end }) => `consistency/${join}@${end}` as const);
  const read = await store.read(ids);
  const found = ids.flatMap((id) => read.get(id)?.body ?? []) as ConsistencyDocument[];
  if (found.length > 0) return found;
  throw new UsageError(
    tasks.length > 0
      ? `nothing is published of ${join} yet: landfall why ${tasks[0]?.id} says what it waits for`
      : `no consistency of ${join} was checked: landfall plan lists its steps, or why it has none for it`,
  );
}
