import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dataprocCalls } from "../../adapters/gcp/dataproc-calls.ts";
import { readLabels } from "../../adapters/gcp/dataproc-labels.ts";
import { busTopics } from "../../adapters/gcp/pubsub-topics.ts";
import { addDays } from "../../core/dates.ts";
import { STATUS } from "../../core/status.ts";
import { emulated } from "../support/emulators/emulated.ts";
import { objectsTopic } from "../support/emulators/servers.ts";
import { doubling, type Harm, proxied, startAll, torment } from "../support/gcp/chaos.ts";
import { type CloudDeployment, cloudDeployment } from "../support/gcp/deployment.ts";
import { writeStagingQueries } from "../support/staging-queries.ts";

const seconds = Number(process.env["LANDFALL_TEST_CHAOS_SECONDS"] ?? "120");
const folder = mkdtempSync(join(tmpdir(), "landfall-chaos-"));
const queries = {
  a: ["data.x"],
  b: ["lake.t_a__0"],
  c: ["lake.t_a__0", "data.y"],
  d: ["lake.t_b__0", "lake.t_c__0"],
};
/** A day lands every ten seconds, as long as the chaos lasts. */
const days = Array.from({ length: Math.max(2, Math.floor(seconds / 10)) }, (_, day) =>
  addDays("2025-06-01", day),
);
const tasksMax = days.length * Object.keys(queries).length;

emulated(["pubsub", "firestore", "bigtable", "storage"], "chaos", ({ project }) => {
  let calm: readonly string[];
  const opened: CloudDeployment[] = [];
  const deployed = async () => {
    const at = await cloudDeployment({ project, configs: folder });
    opened.push(at);
    return at;
  };
  beforeAll(() => {
    writeStagingQueries(folder, queries);
  });
  afterAll(async () => {
    for (const at of opened) await at.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const ends = async (of: CloudDeployment) =>
    (await of.tasks()).map(({ id, state }) => `${id} ${state.kind}`).toSorted();
  const succeeded = async (of: CloudDeployment) =>
    (await of.tasks()).filter(({ state }) => state.kind === "succeeded").length;

  test("a calm run, to compare with", { timeout: 300_000 }, async () => {
    const at = await deployed();
    const all = startAll(at);
    await at.release(["data.x", "data.y"]);
    await Promise.all(all.map(({ running }) => running.ready()));
    for (const day of days) for (const table of ["data.x", "data.y"]) await at.land(table, day);
    await expect.poll(() => succeeded(at), { timeout: 240_000, interval: 1_000 }).toBe(tasksMax);
    calm = await ends(at);
    for (const { running } of all) await running.end("SIGKILL");
  });

  test("I2, I3: services killed each second, connections cut, messages doubled and late: every task ends as in the calm run", {
    timeout: (seconds + 240) * 1_000,
  }, async () => {
    const at = await deployed();
    const harm: Harm = { kills: 0, cuts: 0, doubled: 0 };
    const through = await proxied();
    const topics = [busTopics(at.settings.deployment).events.topic, objectsTopic];
    const doubled = await doubling(project, topics, harm);
    const all = startAll(at, through.env);
    await at.release(["data.x", "data.y"]);
    let over = false;
    const tormented = torment(at, through, { all, harm, until: () => over });
    for (const day of days) {
      for (const table of ["data.x", "data.y"]) await at.land(table, day);
      await sleep(9_500);
    }
    over = true;
    await tormented;
    const midway = await succeeded(at);
    const begun = performance.now();
    await expect.poll(() => ends(at), { timeout: 200_000, interval: 1_000 }).toEqual(calm);
    const tail = ((performance.now() - begun) / 1_000).toFixed(1);
    const logged = all.flatMap(({ running }) => running.logged());
    const again = logged.filter(({ message }) => message.endsWith("it is reported again")).length;
    process.stderr.write(
      `chaos: ${harm.kills} kills, ${harm.cuts} cuts, ${harm.doubled} messages doubled in ${seconds} s; ${midway} of ${tasksMax} tasks had succeeded when it ended, the rest within ${tail} s; ${again} ends were reported again\n`,
    );
    await doubled.stop();
    await expectEachAttemptOneJob(at, project);
    for (const { running } of all) await running.end("SIGKILL");
    await through.close();
  });
});

/** Asks Dataproc itself: each of its jobs is the one of an attempt that some task names, and began once. */
async function expectEachAttemptOneJob(at: CloudDeployment, project: string): Promise<void> {
  const [apiEndpoint = "", port] = (at.settings.gcp?.emulators.dataproc ?? "").split(":");
  const calls = dataprocCalls({
    project,
    region: "us-central1",
    timeoutMs: 10_000,
    connection: {
      apiEndpoint,
      port: Number(port),
      universeDomain: "googleapis.com",
      sslCreds: credentials.createInsecure(),
      projectId: project,
    },
  });
  const jobs = (await calls.listJobs("")).map((job) => {
    const labelled = readLabels((job.labels ?? {}) as Record<string, string>);
    return `${labelled?.task} ${labelled?.run}.${labelled?.attempt} ${job.reference?.jobId}`;
  });
  await calls.close();
  const tasks = await at.tasks();
  const claimed = tasks.flatMap(({ id, runs }) =>
    runs.flatMap(({ run, attempts }) =>
      attempts.map(({ attempt, jobId }) => `${id} ${run}.${attempt} ${jobId}`),
    ),
  );
  expect(jobs.toSorted()).toEqual(claimed.toSorted());
  const attempts = jobs.map((line) => line.slice(0, line.lastIndexOf(" ")));
  expect(new Set(attempts).size).toBe(attempts.length);
  expect(at.begun().toSorted()).toEqual([...new Set(at.begun())].toSorted());
  expect(at.begun()).toHaveLength(jobs.length);
  expect(tasks.filter(({ state }) => !STATUS[state.kind].terminal)).toEqual([]);
}
