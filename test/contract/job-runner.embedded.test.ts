import { jobSpecs } from "../support/job-specs.ts";
import { processPlace } from "../support/process-place.ts";
import { rehearsalPlace } from "../support/rehearsal-place.ts";
import { servedBy } from "../support/streams.ts";
import { type Conduct, describeJobRunner, type RunnerPlace } from "./job-runner.contract.ts";
import { describeStreamJobs } from "./stream-jobs.contract.ts";

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

const table = { table: "risk.merchant_features_v1", column: "ds", effect: "overwrites" } as const;
const nowhere = { ...table, table: "no.such.table.with.so.many.parts" };

async function rehearsals(): Promise<RunnerPlace> {
  const at = rehearsalPlace({
    durationMs: 150,
    faults: [
      { step: "fails/backfill", does: "fail" },
      { step: "hangs/backfill", does: "hang" },
    ],
  });
  const next = jobSpecs();
  return {
    open: () => at.open(),
    job: (conduct: Conduct, more = {}) =>
      next({ config: conduct, output: conduct === "cannot-run" ? nowhere : table, ...more }),
    starts: async (jobId) => {
      const commits = await at.commits("risk/merchant_features_v1");
      return commits.filter((commit) => commit.jobId === jobId).length;
    },
    runs: async () => false,
    dispose: () => at.close(),
  };
}

describeJobRunner("rehearsal", rehearsals);

describeStreamJobs("rehearsal", async () => {
  const at = rehearsalPlace({ faults: [{ step: "hangs/backfill", does: "hang" }] });
  const next = jobSpecs();
  await at.keyValueStore.write(...servedBy("risk.clicks"));
  return {
    open: () => at.open(),
    stream: (more = {}) =>
      next({ config: "risk.clicks", mode: "streaming", output: null, ...more }),
    batch: () => next({ config: "hangs" }),
    dispose: () => at.close(),
  };
});
