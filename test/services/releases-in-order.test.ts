import { expect, test } from "vitest";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { simulatedObjectStore } from "../../adapters/simulated/object-store.ts";
import { simulatedTaskStore } from "../../adapters/simulated/task-store.ts";
import { writeRelease } from "../../releases/release.ts";
import { Settings } from "../../schemas/settings.ts";
import { plansOf } from "../../services/dispatcher/plans.ts";
import { type Queries, stagingQueryFiles } from "../support/staging-queries.ts";

const settings = Settings.parse({});
const first: Queries = { stays: ["data.x"], leaves: ["data.x"] };
const second: Queries = { stays: ["data.x"], comes: ["data.y"] };

/** Releases as they are written, a second apart, and what decides when they are told. */
function place() {
  let now = 0;
  const clock = { ...systemClock(), now: () => now };
  const configs = simulatedObjectStore({ clock }).open();
  const store = simulatedTaskStore().open();
  const plans = plansOf({ store, configs, settings, clock });
  return {
    writes: (queries: Queries) => {
      now += 1_000;
      return writeRelease(configs, stagingQueryFiles(queries));
    },
    tells: async (release: string) => {
      const { before } = await plans.release(release);
      return before === null ? null : configsOf(before.plan);
    },
    decides: async () => {
      await plans.refresh();
      return configsOf(plans.current()?.plan ?? { steps: [] });
    },
  };
}

function configsOf({ steps }: { readonly steps: readonly { readonly config: string }[] }) {
  return [...new Set(steps.map(({ config }) => config))].sort();
}

const [ofFirst, ofSecond] = [
  ["t.leaves__0", "t.stays__0"],
  ["t.comes__0", "t.stays__0"],
];

test("a release that is told after a newer one does not decide", async () => {
  const { writes, tells, decides } = place();
  await tells(await writes(first));
  const older = await writes(second);
  // The first again: what it compiles to decides already.
  await tells(await writes(first));
  expect(await tells(older)).toBeNull();
  expect(await decides()).toEqual(ofFirst);
});

test("a release that decided, and is told again when another does, still brings what it brought", async () => {
  const { writes, tells, decides } = place();
  await tells(await writes(first));
  const older = await writes(second);
  await tells(older);
  await tells(await writes({ ...second, more: ["data.z"] }));
  expect(await tells(older)).toEqual(ofFirst);
  expect(await decides()).toEqual(["t.comes__0", "t.more__0", "t.stays__0"]);
});

test("a release that is taken back and then written again decides again", async () => {
  const { writes, tells, decides } = place();
  await tells(await writes(first));
  await tells(await writes(second));
  expect(await tells(await writes(first))).toEqual(ofSecond);
  expect(await decides()).toEqual(ofFirst);
  await tells(await writes(second));
  expect(await decides()).toEqual(ofSecond);
});
