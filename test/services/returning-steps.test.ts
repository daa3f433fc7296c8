import { lastValueFrom, Subject } from "rxjs";
import { afterAll, expect, test, vi } from "vitest";
import { systemClock } from "../../adapters/embedded/clock.ts";
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

test("a step that comes back looks at what landed again while it was out of the plan", async () => {
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
  stop.next();
  await running;
});
