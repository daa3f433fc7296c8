import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { processRunner } from "../../adapters/embedded/process-runner.ts";
import { jobSpecs } from "../support/job-specs.ts";
import { realClock } from "../support/real-clock.ts";
import { type Conduct, describeJobRunner, type RunnerPlace } from "./job-runner.contract.ts";

const script = `
echo "$LANDFALL_JOB_ID" >> "$PLACE/starts"
echo $$ > "$PLACE/$LANDFALL_JOB_ID.pid"
case "$CONDUCT" in
  succeeds) exit 0 ;;
  fails) echo "reading conf" >&2; echo "no such column: amount" >&2; exit 3 ;;
  takes-a-while) sleep 1; exit 0 ;;
  hangs) exec sleep 600 ;;
esac
`;

async function processPlace(): Promise<RunnerPlace> {
  const place = mkdtempSync(join(tmpdir(), "landfall-runner-"));
  mkdirSync(join(place, "configs"));
  writeFileSync(join(place, "configs", "conf"), "{}");
  writeFileSync(join(place, "job.sh"), script);
  const next = jobSpecs();
  const read = (file: string) => {
    try {
      return readFileSync(join(place, file), "utf8");
    } catch {
      return "";
    }
  };
  return {
    open: () =>
      processRunner({
        folder: join(place, "jobs"),
        command: `sh "${join(place, "job.sh")}"`,
        configs: join(place, "configs"),
        clock: realClock,
        graceMs: 2_000,
        pollMs: 200,
      }),
    job: (conduct: Conduct, more = {}) =>
      next({
        conf: conduct === "cannot-run" ? "confs/nowhere" : "conf",
        env: { PLACE: place, CONDUCT: conduct },
        ...more,
      }),
    starts: async (jobId) =>
      read("starts")
        .split("\n")
        .filter((line) => line === jobId).length,
    async runs(jobId) {
      const pid = Number(read(`${jobId}.pid`));
      try {
        return pid > 0 && process.kill(pid, 0);
      } catch {
        return false;
      }
    },
    dispose: async () => rmSync(place, { recursive: true, force: true }),
  };
}

describeJobRunner("process", processPlace);
