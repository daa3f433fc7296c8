import { lastValueFrom, Subject } from "rxjs";
import { afterAll, expect, test, vi } from "vitest";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { addDays, partitionAt } from "../../core/dates.ts";
import { silentLog } from "../../ports/log.ts";
import { writeRelease } from "../../releases/release.ts";
import { dispatcher } from "../../services/dispatcher/pipeline.ts";
import {
  allTasks,
  instantRunner,
  landed,
  openWorld,
  removeWorlds,
  settings,
} from "../support/dispatcher-place.ts";
import { type Queries, stagingQueryFiles } from "../support/staging-queries.ts";

afterAll(removeWorlds);

const [older, newer] = ["2025-09-01", "2025-09-02"];

/** A dispatcher that runs until it is told to stop, and a way to release queries to it. */
async function released() {
  const world = await openWorld();
  const { bus, configs, store } = world;
  const stop = new Subject<void>();
  const ports = { ...world, runner: instantRunner(bus, []), settings, by: "one" };
  const running = lastValueFrom(
    dispatcher({ ...ports, clock: systemClock(), log: silentLog }, stop),
    { defaultValue: undefined },
  );
  const release = async (queries: Queries) => {
    const name = await writeRelease(configs, stagingQueryFiles(queries));
    await bus.publish([{ kind: "configs-released", schema: 1, release: name }]);
    await vi.waitFor(
      async () =>
        expect((await store.read(["plans/current"])).get("plans/current")?.body).toMatchObject({
          release: name,
        }),
      { timeout: 10_000 },
    );
  };
  const end = async () => {
    stop.next();
    await running;
  };
  /** Waits until a task of a step has succeeded. */
  const succeeded = (step: string) =>
    vi.waitFor(
      async () => {
        const done = (await allTasks(store)).filter(({ state }) => state.kind === "succeeded");
        expect(done.map((task) => task.step)).toContainEqual(expect.stringContaining(step));
      },
      { timeout: 10_000 },
    );
  return { bus, store, release, succeeded, end };
}

test("a step that comes back looks at what landed again while it was out of the plan", async () => {
  const { bus, store, release, end } = await released();
  const whyOf = (step: string) =>
    vi.waitFor(
      async () => {
        const found = (await allTasks(store)).find(
          (task) => task.step.startsWith(step) && task.start === older,
        );
        expect(found?.why).toContain("landed again");
        return found?.why;
      },
      { timeout: 10_000 },
    );

  await release({ stays: ["data.x"], leaves: ["data.x"] });
  await bus.publish([landed("data.x", older, 1), landed("data.x", newer, 2)]);
  await vi.waitFor(
    async () => {
      const ends = (await allTasks(store)).map(({ state }) => state.kind);
      expect(ends.filter((kind) => kind === "succeeded")).toHaveLength(4);
    },
    { timeout: 10_000 },
  );
  await release({ stays: ["data.x"] });
  await bus.publish([landed("data.x", older, 3)]);
  await whyOf("t.stays__0/");
  await release({ stays: ["data.x"], leaves: ["data.x"] });
  expect(await whyOf("t.leaves__0/")).toContain(`data.x@${older} landed again`);
  await end();
});

test("what lands while its table is out of the plan has landed when the step that reads it is back", async () => {
  const { bus, release, succeeded, end } = await released();
  await release({ leaves: ["data.x"] });
  await release({ stays: ["data.y"] });
  // The watcher had not seen that release yet, and does not tell of the commit again.
  const yesterday = addDays(partitionAt(Date.now()), -1);
  await bus.publish([landed("data.x", yesterday, 1)]);
  await bus.publish([landed("data.y", yesterday, 1)]);
  await succeeded("t.stays__0/");
  await release({ leaves: ["data.x"] });
  await succeeded("t.leaves__0/");
  await end();
});

test("a step that is released with another input does the day that landed there before", async () => {
  const { bus, release, succeeded, end } = await released();
  const yesterday = addDays(partitionAt(Date.now()), -1);
  await release({ mended: ["data.x"], other: ["data.y"] });
  await bus.publish([landed("data.y", yesterday, 1)]);
  await succeeded("t.other__0/");
  await release({ mended: ["data.y"], other: ["data.y"] });
  await succeeded("t.mended__0/");
  await end();
});
