import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const root = new URL("../..", import.meta.url).pathname;

test("the README's first command tells the whole story and ends by itself", {
  timeout: 90_000,
}, async () => {
  const { stdout } = await promisify(execFile)("npm", ["run", "-s", "demo"], { cwd: root });
  for (const told of [
    "first of 48 commits through the day",
    "26 hours late",
    "the same notification once more",
    "executor lost, container killed by YARN",
    "exit 0, nothing written",
    "launching: no job of it runs: attempt 1 is being submitted, without state",
    "a TaskManager was lost: attempt 2 is being submitted, from checkpoints/",
    "running: runs, checkpoints/",
    "partners.fraud_scores@2026-03-04: it has not landed",
    "uploaded   metadata of 5 configs uploaded to CHRONON_METADATA",
    "published  consistency of risk.checkout.v1__0 at 2026-03-02",
    "99.524 %",
    "Inputs complete to job launched: p50",
    " per task.",
  ]) {
    expect(stdout).toContain(told);
  }
});
