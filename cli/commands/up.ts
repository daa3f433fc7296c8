import { Command, Option } from "commander";
import { pino } from "pino";
import { firstValueFrom } from "rxjs";
import { openAlerts } from "../../adapters/alerts/open.ts";
import { commandTemplate } from "../../adapters/embedded/job-command.ts";
import {
  lockData,
  openEmbedded,
  type RunnerChoice,
  settingsFor,
} from "../../adapters/embedded/open.ts";
import { openMetrics } from "../../adapters/open-metrics.ts";
import { writeRelease } from "../../releases/release.ts";
import type { Deployment } from "../../schemas/deployment.ts";
import { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import { ZiplineSettings } from "../../schemas/zipline.ts";
import { stopSignals } from "../../services/stop-signals.ts";
import { UsageError, wholeNumber } from "../errors.ts";
import { linesLog } from "../lines-log.ts";
import { readConfigs } from "../read-configs.ts";
import { runServices } from "../run-services.ts";
import { readSettings } from "../settings.ts";
import { dataOption } from "../state.ts";

interface UpOptions {
  readonly configs: string;
  readonly lake?: string;
  readonly data?: string;
  readonly runner: "rehearsal" | "process" | "zipline";
  readonly command?: string;
  readonly jobMs?: number;
  readonly settings?: string;
  readonly log: "lines" | "json";
}

/** `landfall up`: watcher, dispatcher and tracker on this machine, until stopped. */
export function upCommand(): Command {
  return new Command("up")
    .description("run Landfall on this machine until stopped: data that lands makes jobs run")
    .requiredOption("--configs <dir>", "compiled configs: holds or is production/ or compiled/")
    .addOption(lakeOption())
    .addOption(dataOption())
    .addOption(
      new Option(
        "--runner <runner>",
        "rehearsal acts as Chronon's driver; process runs --command; zipline the CLI the settings describe",
      )
        .choices(["rehearsal", "process", "zipline"])
        .default("rehearsal"),
    )
    .option(
      "--command <template>",
      "command of a job, split into words before {conf} {mode} {config} {start} {end} {ds} … are filled in",
    )
    .option("--job-ms <n>", "how long a rehearsed job takes, in milliseconds", wholeNumber, 200)
    .option("--settings <file>", "settings, JSON")
    .addOption(
      new Option("--log <format>", "log lines").choices(["lines", "json"]).default("lines"),
    )
    .action(up);
}

/** `--lake DIR`: the folder that stands for the data lake. */
export function lakeOption(): Option {
  return new Option("--lake <dir>", "folder of the data lake (default: .landfall/lake)");
}

async function up(options: UpOptions): Promise<void> {
  const read = readSettings(options.settings);
  const files = await readConfigs(options.configs);
  const runner = runnerOf(options, read);
  if (read.world !== "embedded") {
    throw new UsageError(
      "landfall up runs on this machine; on Google Cloud each service runs by itself",
    );
  }
  const settings = settingsFor(read, runner);
  const { data = read.data, lake = read.lake } = options;
  const lock = lockData(data);
  const log = options.log === "json" ? pino() : linesLog(process.stdout);
  const world = openEmbedded({ data, lake, runner, settings, log });
  const metrics = await openMetrics(read, { service: "up", log });
  try {
    const release = await writeRelease(world.configs, files);
    await world.bus.publish([{ kind: "configs-released", schema: 1, release }]);
    log.info(
      { release, files: files.length },
      `${files.length} config files released; watching ${lake}; jobs are ${how[options.runner]}`,
    );
    const stop = stopSignals();
    const alerts = openAlerts({
      settings: read.alerts,
      log,
      clock: world.clock,
      env: process.env,
    });
    const alerting = { alerts, settings: read.alerts };
    const measuring = { metrics, settings: read.metrics };
    const extra = { alerting, measuring, streams: true };
    const done = runServices({ world, settings, log, stop, ...extra });
    await Promise.race([done, firstValueFrom(stop)]);
    log.info({}, "stopping: finishing what was taken");
    await done;
  } finally {
    await metrics.close();
    await world.close();
    lock.release();
  }
}

const how = {
  rehearsal: "rehearsed",
  process: "run as processes",
  zipline: "run through the zipline CLI",
} as const;

function runnerOf(options: UpOptions, { zipline }: Deployment): RunnerChoice {
  if (options.runner === "zipline") {
    if (options.command !== undefined) {
      throw new UsageError("--command needs --runner process; --runner zipline makes its own");
    }
    return { kind: "process", command: zipline ?? ZiplineSettings.parse({}) };
  }
  if (options.runner === "rehearsal") {
    if (options.command !== undefined) {
      throw new UsageError("--command needs --runner process; without it jobs are rehearsed");
    }
    return {
      kind: "rehearsal",
      behaviour: RehearsalBehaviour.parse({ durationMs: options.jobMs }),
    };
  }
  if (options.command === undefined) {
    throw new UsageError(
      '--runner process needs --command, for example --command "python job.py {conf} {ds}"',
    );
  }
  try {
    commandTemplate(options.command);
  } catch (cause) {
    throw new UsageError((cause as Error).message);
  }
  return { kind: "process", command: options.command };
}
