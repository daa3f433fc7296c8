import { afterAll, expect, test, vi } from "vitest";
import { systemClock } from "../../adapters/embedded/clock.ts";
import type { JobRunner, JobSpec } from "../../ports/job-runner.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { DocumentId } from "../../schemas/documents.ts";
import type { LandingsDocument } from "../../schemas/landings.ts";
import type { Task } from "../../schemas/tasks.ts";
import {
  instantRunner,
  landed,
  openWorld,
  removeWorlds,
  settings,
  started,
} from "../support/dispatcher-place.ts";

afterAll(removeWorlds);

const taskOf = (day: string) => `t.a__0/backfill@${day}`;
const month = "landings/data.x@2025-09" as const;

/** A world whose jobs do not end, and what was asked of its store. */
async function place() {
  const world = await openWorld();
  const submitted: JobSpec[] = [];
  const runner: JobRunner = {
    ...instantRunner(world.bus, []),
    lanes: () => [{ name: "cluster", perMinute: 60 }],
    async submit(job) {
      submitted.push(job);
      return { kind: submitted.includes(job) ? "exists" : "accepted" };
    },
  };
  const readings: (readonly DocumentId[])[] = [];
  const written: { ids: readonly DocumentId[]; answer: string }[] = [];
  let refuseNext: (ids: readonly DocumentId[]) => boolean = () => false;
  const store: TaskStore = {
    ...world.store,
    async read(ids) {
      readings.push(ids);
      return world.store.read(ids);
    },
    async commit(commit) {
      const ids = commit.writes.map(({ id }) => id);
      const refused = refuseNext(ids);
      if (refused) refuseNext = () => false;
      const answer = refused ? ({ kind: "conflict" } as const) : await world.store.commit(commit);
      written.push({ ids, answer: answer.kind });
      return answer;
    },
  };
  const land = async (day: string) => {
    await world.bus.publish([landed("data.x", day, 1)]);
    await vi.waitFor(() => expect(submitted.map(({ task }) => task)).toContain(taskOf(day)), {
      timeout: 10_000,
    });
  };
  return {
    world: { ...world, store, runner },
    submitted,
    readings,
    written,
    land,
    refuseOnce: (which: typeof refuseNext) => {
      refuseNext = which;
    },
    stateOf: async (day: string) => {
      const read = await world.store.read([`tasks/${taskOf(day)}`]);
      return (read.get(`tasks/${taskOf(day)}`)?.body as Task | null)?.state ?? null;
    },
  };
}

test("a task that is not known is read together with what its claim looks at", async () => {
  const { world, readings, land } = await place();
  const end = started(world);
  await land("2025-09-01");
  readings.length = 0;
  await land("2025-09-02");
  expect(readings).toEqual([[`tasks/${taskOf("2025-09-02")}`, "pools/lane:cluster"]]);
  await end();
});

test("after a refused commit all it looked at is read at once", async () => {
  const { world, readings, written, land, refuseOnce } = await place();
  const end = started(world);
  await land("2025-09-01");
  refuseOnce((ids) => ids.some((id) => id.startsWith("tasks/")));
  readings.length = 0;
  await land("2025-09-02");
  expect(written.filter(({ answer }) => answer === "conflict")).toHaveLength(1);
  const [, again, ...more] = readings;
  expect(again).toEqual(expect.arrayContaining(["plans/current", month]));
  expect(more).toEqual([]);
  await end();
});

test("landings that another dispatcher stores, too, are read before they are merged", async () => {
  const { world, written, land } = await place();
  const end = started(world);
  const byAnother = async (partition: string) => {
    const { store } = world;
    const known = (await store.read([month])).get(month);
    const body = known?.body as LandingsDocument;
    const landing = { ...body.partitions["2025-09-01"] } as LandingsDocument["partitions"][string];
    const more = { ...body, partitions: { ...body.partitions, [partition]: landing } };
    const version = known?.version ?? null;
    await store.commit({ writes: [{ id: month, body: more, version }], checks: [] });
  };
  const refused = () => written.filter(({ answer }) => answer === "conflict").length;
  await land("2025-09-01");
  await byAnother("2025-09-11");
  await land("2025-09-02");
  expect(refused()).toBe(1);
  await byAnother("2025-09-12");
  await land("2025-09-03");
  expect(refused()).toBe(1);
  await end();
});

test("what was submitted is stored as running by whoever knows it, so that nobody submits it again", async () => {
  const { world, submitted, land, stateOf } = await place();
  let later = 0;
  const clock = { ...systemClock(), now: () => Date.now() + later };
  const tick = () => world.bus.publish([{ kind: "tick", schema: 1, at: clock.now() }]);
  const endOne = started({ ...world, clock, by: "one" });
  const day = "2025-09-01";
  await land(day);
  later = 0.6 * settings.submitWithinMs;
  await tick();
  await vi.waitFor(async () => expect((await stateOf(day))?.kind).toBe("running"), {
    timeout: 10_000,
  });
  await endOne();
  later = 2 * settings.submitWithinMs;
  const endTwo = started({ ...world, clock, by: "two" });
  await tick();
  await land("2025-09-02");
  await endTwo();
  expect(submitted.map(({ task }) => task)).toEqual([taskOf(day), taskOf("2025-09-02")]);
});
