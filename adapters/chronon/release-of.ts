import type { JobSpec } from "../../ports/job-runner.ts";
import { type Refusal, refused } from "../refusal.ts";

/** A Chronon release, and where its jars lie, without a slash at the end. */
export interface Release {
  readonly version: string;
  readonly artifactPrefix: string;
}

/** What settings may say of it. */
export type Said = { readonly [name in keyof Release]?: string } | undefined;

/** The `VERSION` that a job runs: its conf's, else the first that is said. */
export function versionOf(
  { env }: Pick<JobSpec, "env">,
  said: readonly Said[],
  where: string,
): string | Refusal {
  const found = first([env["VERSION"], ...said.map((each) => each?.version)]);
  return found ?? refused(missing("VERSION", "version", where));
}

/** The `ARTIFACT_PREFIX` that a job's jars come from, looked for as its version is. */
export function artifactPrefixOf(
  { env }: Pick<JobSpec, "env">,
  said: readonly Said[],
  where: string,
): string | Refusal {
  const found = first([env["ARTIFACT_PREFIX"], ...said.map((each) => each?.artifactPrefix)]);
  if (found === null) return refused(missing("ARTIFACT_PREFIX", "artifactPrefix", where));
  return found.replace(/\/+$/, "");
}

/** The first that is there and not empty. */
export function first(found: readonly (string | undefined)[]): string | null {
  return found.find((value) => value !== undefined && value !== "") ?? null;
}

function missing(variable: string, setting: string, where: string): string {
  return `no ${variable} is known for it: set it in the conf, or ${setting} ${where}`;
}
