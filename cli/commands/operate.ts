import { randomUUID } from "node:crypto";
import { userInfo } from "node:os";
import { Command } from "commander";
import { Command as Asked, type CommandDocument } from "../../schemas/commands.ts";
import { BadAnswer, issuesText, UsageError, wholeNumber } from "../errors.ts";
import { dataOption, type StateOptions, settingsOption, withState } from "../state.ts";

interface OperateOptions extends StateOptions {
  readonly by?: string;
  readonly id?: string;
  readonly wait: number;
  readonly json?: boolean;
}

/** `landfall backfill`, `retry`, `cancel`, `stream-deploy`, `stream-stop` and `metadata-delete`: what operators ask for. */
export function operateCommands(): Command[] {
  return [
    operate("backfill", "fill a range of a config or step, in jobs of its stepDays")
      .argument("<target>", "a config's name, or <config>/<mode>")
      .argument("<start>", "first partition, yyyy-MM-dd")
      .argument("<end>", "last partition, yyyy-MM-dd")
      .action((...[target, start, end, options]: [string, string, string, OperateOptions]) =>
        send(options, { kind: "backfill-requested", target, start, end }),
      ),
    operate("retry", "run a task that has ended once more")
      .argument("<task>", "<config>/<mode>@<yyyy-MM-dd>")
      .action((task: string, options: OperateOptions) =>
        send(options, { kind: "task-retry", task }),
      ),
    operate("stream-deploy", "end what keeps a GroupBy's stream running, and begin it again")
      .argument("<groupby>", "metaData.name of a GroupBy")
      .option("--no-state", "begin anew, not from the newest checkpoint: what it counted is lost")
      .action((config: string, { state, ...options }: OperateOptions & { state: boolean }) =>
        send(options, { kind: "stream-deploy", config, state: state ? "latest" : "none" }),
      ),
    operate("stream-stop", "end a GroupBy's stream until it is deployed by command")
      .argument("<groupby>", "metaData.name of a GroupBy")
      .action((config: string, options: OperateOptions) =>
        send(options, { kind: "stream-stop", config }),
      ),
    operate("metadata-delete", "delete rows of metadata whose configs are gone, however many")
      .argument("<key...>", "joins/<name>, group_bys/<name> or models/<name>")
      .action((keys: string[], options: OperateOptions) =>
        send(options, { kind: "metadata-delete", keys }),
      ),
    operate("cancel", "end a task; its job is cancelled when it runs")
      .argument("<task>", "<config>/<mode>@<yyyy-MM-dd>")
      .action((task: string, options: OperateOptions) =>
        send(options, { kind: "task-cancel", task }),
      ),
  ];
}

function operate(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(dataOption())
    .addOption(settingsOption())
    .option("--by <who>", "who asks (default: the user's name)")
    .option("--id <id>", "id of the command: the same one twice is one command")
    .option("--wait <seconds>", "how long to wait for an answer", wholeNumber, 10)
    .option("--json", "print the command's document as JSON");
}

/** Publishes a command and waits until what came of it is recorded. */
async function send(options: OperateOptions, what: Record<string, unknown>): Promise<void> {
  const id = options.id ?? randomUUID();
  const parsed = Asked.safeParse({
    ...what,
    schema: 1,
    id,
    by: options.by ?? userInfo().username,
    at: Date.now(),
  });
  if (!parsed.success) throw new UsageError(issuesText(parsed.error));
  const document = await withState(options, async ({ store, bus }) => {
    await bus().publish([parsed.data]);
    const until = Date.now() + options.wait * 1000;
    while (Date.now() < until) {
      const read = (await store.read([`commands/${id}`])).get(`commands/${id}`);
      if (read !== undefined && read.body !== null) return read.body as CommandDocument;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return null;
  });
  if (document === null) {
    throw new Error(`command ${id} is published but not answered yet: does a dispatcher run?`);
  }
  process.stdout.write(
    options.json === true ? `${JSON.stringify(document, null, 2)}\n` : answer(document),
  );
  if (document.outcome.kind === "refused") throw new BadAnswer();
}

function answer({ outcome, command }: CommandDocument): string {
  if (outcome.kind === "refused") return `refused: ${outcome.reason}\n`;
  if ("config" in command)
    return `accepted: landfall streams ${command.config} shows what it does\n`;
  if ("keys" in command) return "accepted: landfall metadata shows which are left\n";
  if (outcome.tasks.length === 0) return "accepted: nothing is missing\n";
  return `accepted:\n${outcome.tasks.map((task) => `  ${task}\n`).join("")}`;
}
