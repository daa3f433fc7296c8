import { blamedBy, blamedText } from "../../core/blame.ts";
import type { JobStatus } from "../../ports/job-runner.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { SeenJob } from "./dataproc-status.ts";

/** Opens a bucket that Dataproc writes the output of drivers to. */
export type Buckets = (name: string) => Pick<ObjectStore, "list" | "read">;

const bytesMax = 8 * 1024 * 1024;
const linesMax = 3;
const textMax = 600;

/**
 * Adds the last words of a job's driver to why it failed, and whose fault that is where they say so:
 * Dataproc itself only says that it failed. The output lies in objects `{driver output}.000000000` and on. Whatever cannot be read is left.
 */
export function explainer(buckets: Buckets): (job: SeenJob) => Promise<SeenJob> {
  return async (job) => {
    const { state, blame, log } = job.status;
    const [, bucket, path] = /^gs:\/\/([^/]+)\/(.+)$/.exec(log ?? "") ?? [];
    if (state !== "failed" || blame !== "job" || bucket === undefined || path === undefined) {
      return job;
    }
    try {
      const store = buckets(bucket);
      const last = (await store.list(path)).at(-1);
      if (last === undefined || last.size > bytesMax) return job;
      const object = await store.read(last.name);
      const output = Buffer.from(object?.bytes ?? []).toString("utf8");
      const words = lastWords(output);
      return words === "" ? job : { ...job, status: { ...job.status, ...told(words, output) } };
    } catch {
      return job;
    }
  };
}

function told(words: string, output: string): Pick<JobStatus, "error" | "blame"> {
  const blamed = blamedBy(output);
  if (blamed === null) return { error: words, blame: "job" };
  return { error: blamedText(words, blamed), blame: blamed.blame };
}

/** The last lines that are neither a stack's nor a log's everyday ones. */
function lastWords(output: string): string {
  const lines = output
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^(at |\.\.\. \d+ more)|\b(INFO|DEBUG|WARN)\b/.test(line));
  const text = lines.slice(-linesMax).join(" ");
  return text.length <= textMax ? text : `... ${text.slice(-textMax)}`;
}
