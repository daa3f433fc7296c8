import { copyFileSync, existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { RetryableError } from "../../ports/errors.ts";
import type { JobSpec } from "../../ports/job-runner.ts";
import type { ZiplineSettings } from "../../schemas/zipline.ts";
import { type CliCommand, cliCommand, confOf } from "../chronon/cli-command.ts";
import { type Refusal, refused } from "../refusal.ts";
import type { JobCommand } from "./job-command.ts";
import type { Submitting } from "./job-folder.ts";

export interface ZiplineJobsOptions {
  readonly settings: ZiplineSettings;
  /** Holds `repositories/`: for each conf a folder that looks like the repository it is of. */
  readonly root: string;
  /** What jobs inherit, for what their confs do not say. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Runs jobs through the zipline CLI: `conf` is the file of the job's conf. */
export function ziplineJobs(
  options: ZiplineJobsOptions,
): (spec: JobSpec, conf: string) => JobCommand | Refusal {
  return (spec, conf) => {
    const command = cliCommand(spec, options.settings);
    if ("refused" in command) return command;
    const path = confOf(spec);
    if (typeof path !== "string") return path;
    const submits = command.dialect.submits ? submitting(options, spec, command) : null;
    if (submits !== null && "refused" in submits) return submits;
    const repository = join(options.root, "repositories", spec.conf);
    layOut(conf, join(repository, path));
    return {
      argv: found(command.argv),
      cwd: repository,
      // Python keeps what it prints to a pipe until it ends; the id must be heard before.
      env: { PYTHONUNBUFFERED: "1" },
      ...(submits === null ? {} : { submits }),
    };
  };
}

/** Programs named from here are run in another folder. */
function found([program = "", ...args]: readonly string[]): readonly string[] {
  return [program.includes("/") && !isAbsolute(program) ? resolve(program) : program, ...args];
}

function submitting(
  { env }: ZiplineJobsOptions,
  spec: JobSpec,
  { waits }: CliCommand,
): Submitting | Refusal {
  const region = spec.env["GCP_REGION"] || env["GCP_REGION"];
  const project = spec.env["GCP_PROJECT_ID"] || env["GCP_PROJECT_ID"];
  if (region === undefined || project === undefined) {
    return refused(
      "no GCP_REGION and GCP_PROJECT_ID are known for it, which zipline submits to: set them in the conf or for its team",
    );
  }
  const where = ["--region", region, "--project", project];
  const gcloud = (verb: string, ...more: string[]) => [
    "gcloud",
    "dataproc",
    "jobs",
    verb,
    "{id}",
    ...where,
    ...more,
  ];
  return {
    wait: waits ? null : gcloud("wait"),
    cancel: gcloud("kill", "--quiet"),
    link: `https://console.cloud.google.com/dataproc/jobs/{id}/monitoring?region=${region}&project=${project}`,
  };
}

let drafts = 0;

/**
 * Whole when it appears, and never changed: the folder above is named by the conf's content. Throws
 * `RetryableError` when it cannot be written.
 */
function layOut(conf: string, file: string): void {
  if (existsSync(file)) return;
  drafts += 1;
  const draft = `${file}.${process.pid}.${drafts}`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    copyFileSync(conf, draft);
    renameSync(draft, file);
  } catch (cause) {
    throw new RetryableError(`cannot write ${file}: ${(cause as Error).message}`, { cause });
  }
}
