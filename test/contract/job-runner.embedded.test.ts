import { processPlace } from "../support/process-place.ts";
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

async function processes(): Promise<RunnerPlace> {
  const at = processPlace(script);
  return {
    open: () => at.open(),
    job: (conduct: Conduct, more = {}) =>
      at.job(conduct, conduct === "cannot-run" ? { conf: "confs/nowhere", ...more } : more),
    starts: async (jobId) =>
      at
        .read("starts")
        .split("\n")
        .filter((line) => line === jobId).length,
    runs: async (jobId) => at.read(`${jobId}.pid`) !== "" && at.lives(`${jobId}.pid`),
    dispose: () => at.close(),
  };
}

describeJobRunner("process", processes);
