#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { alertsCommand } from "./commands/alerts.ts";
import { consistencyCommand } from "./commands/consistency.ts";
import { landCommand } from "./commands/land.ts";
import { metadataCommand } from "./commands/metadata.ts";
import { metricsCommand } from "./commands/metrics.ts";
import { operateCommands } from "./commands/operate.ts";
import { planCommand } from "./commands/plan.ts";
import { rehearseCommand } from "./commands/rehearse.ts";
import { releaseCommand } from "./commands/release.ts";
import { setUpCommand } from "./commands/set-up.ts";
import { settingsCommand } from "./commands/settings.ts";
import { streamsCommand } from "./commands/streams.ts";
import { taskCommand } from "./commands/task.ts";
import { tasksCommand } from "./commands/tasks.ts";
import { upCommand } from "./commands/up.ts";
import { whyCommand } from "./commands/why.ts";
import { BadAnswer, UsageError } from "./errors.ts";

const program = new Command("landfall")
  .description("Event-driven orchestration of Chronon feature pipelines")
  .option("--debug", "show stack traces of errors")
  .exitOverride()
  .showHelpAfterError("(landfall --help lists the commands)");
for (const command of [
  planCommand(),
  rehearseCommand(),
  upCommand(),
  landCommand(),
  tasksCommand(),
  taskCommand(),
  whyCommand(),
  alertsCommand(),
  metadataCommand(),
  metricsCommand(),
  streamsCommand(),
  consistencyCommand(),
  ...operateCommands(),
  releaseCommand(),
  setUpCommand(),
  settingsCommand(),
]) {
  program.addCommand(command.exitOverride());
}

/** Exit codes: 0 ok, 1 the thing asked about is bad, 2 usage. */
function exitCodeOf(cause: unknown): number {
  if (cause instanceof CommanderError) return cause.exitCode === 0 ? 0 : 2;
  if (cause instanceof BadAnswer) return 1;
  const message = cause instanceof Error ? cause.message : String(cause);
  const stack = program.opts<{ debug?: boolean }>().debug === true && cause instanceof Error;
  process.stderr.write(`landfall: ${stack ? (cause.stack ?? message) : message}\n`);
  return cause instanceof UsageError ? 2 : 1;
}

try {
  await program.parseAsync();
} catch (cause) {
  process.exitCode = exitCodeOf(cause);
}
