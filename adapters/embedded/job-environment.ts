import type { JobSpec } from "../../ports/job-runner.ts";
import { cookieName } from "./job-cookie.ts";

/** What a job is told of itself: the placeholders of a command template, and their values. */
export interface JobValues {
  /** The compiled conf, an absolute path. */
  readonly conf: string;
  readonly mode: string;
  readonly config: string;
  readonly start: string;
  readonly end: string;
  /** The same as `end`, as Chronon's `--ds` means it. */
  readonly ds: string;
  readonly task: string;
  readonly run: string;
  readonly attempt: string;
  readonly jobId: string;
  /** The table it writes; empty when it writes none. */
  readonly table: string;
  /** Partition column of `table`; empty when it writes none. */
  readonly column: string;
}

export function jobValues(spec: JobSpec, conf: string): JobValues {
  return {
    conf,
    mode: spec.mode,
    config: spec.config,
    start: spec.range.start,
    end: spec.range.end,
    ds: spec.range.end,
    task: spec.task,
    run: String(spec.run),
    attempt: String(spec.attempt),
    jobId: spec.jobId,
    table: spec.output?.table ?? "",
    column: spec.output?.column ?? "",
  };
}

/** The step's environment, and every value of `jobValues` as `LANDFALL_<NAME>`. */
export function jobEnvironment(
  spec: JobSpec,
  values: JobValues,
  folder: string,
): Record<string, string> {
  const own = Object.entries(values).map(([name, value]) => [`LANDFALL_${upper(name)}`, value]);
  return { ...spec.env, ...Object.fromEntries(own), [cookieName]: folder };
}

/** `jobId` → `JOB_ID`. */
function upper(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
