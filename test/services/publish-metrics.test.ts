import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RetryableError } from "../../ports/errors.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import {
  type ConsistencyPlace,
  consistencyPlace,
  hoursFile,
} from "../support/consistency-place.ts";

const minuteMs = 60_000;
const good = hoursFile([{ amount_sum: { total: 100, mismatch: 1 } }]);
const never = () => new Promise<never>(() => {});

let at: ConsistencyPlace;
beforeEach(async () => {
  at = await consistencyPlace();
});
afterEach(() => at.close());

const stateOf = async () => (await at.task("publish-metrics"))?.state.kind;
const whyOf = async () => (await at.task("publish-metrics"))?.why;
const ratesOf = async () =>
  ((await at.published())?.features ?? []).map(({ feature, match }) => `${feature} ${match}`);
const attemptsOf = async () =>
  ((await at.task("publish-metrics"))?.runs ?? []).map(({ attempts }) => attempts.length);

/** The lake, with data files read as told. */
function lakeWhose(read: (name: string, lake: ObjectStore) => ReturnType<ObjectStore["read"]>) {
  const { lake } = at;
  return {
    ...lake,
    read: (name: string) => (name.endsWith(".parquet") ? read(name, lake) : lake.read(name)),
  };
}

test("metrics that land are read and published, and no runner hears of it", async () => {
  const submitted: string[] = [];
  const runner = {
    ...at.runner,
    async submit({ task }: { task: string }) {
      submitted.push(task);
      return { kind: "accepted" as const };
    },
  };
  const measured: unknown[] = [];
  const metrics = {
    measure: (...of: unknown[]) => void measured.push(of),
    close: async () => {},
  };
  at.start("one", { runner, metrics });
  await at.computed(good);
  await at.pass(minuteMs);
  expect([await stateOf(), await ratesOf()]).toEqual(["succeeded", ["amount_sum 99"]]);
  expect(submitted).toEqual([]);
  const labels = { team: "risk", join: "risk.checkout" };
  expect(measured).toContainEqual(["landfall.consistency.match", 99, labels]);
});

describe("crashes", () => {
  test("killed before it wrote: another dispatcher does it, as the same attempt", async () => {
    const killed = at.abandon("one", { lake: lakeWhose(never) });
    await at.computed(good);
    await at.pass(10_000);
    expect([await stateOf(), await at.published()]).toEqual(["launching", null]);
    killed.unsubscribe();
    at.start("two");
    await at.pass(5 * minuteMs);
    expect([await stateOf(), await ratesOf()]).toEqual(["succeeded", ["amount_sum 99"]]);
    expect(await attemptsOf()).toEqual([1]);
  });

  test("killed after it wrote and before it told: it is published again, and told", async () => {
    const bus = { ...at.bus, publish: never };
    const killed = at.abandon("one", { bus });
    await at.computed(good);
    await at.pass(10_000);
    const first = await at.published();
    expect([await stateOf(), first?.match]).toEqual(["launching", 99]);
    killed.unsubscribe();
    at.start("two");
    await at.pass(5 * minuteMs);
    expect([await stateOf(), await attemptsOf()]).toEqual(["succeeded", [1]]);
    expect({ ...(await at.published()), at: 0 }).toEqual({ ...first, at: 0 });
  });

  test("a commit of which nobody knows what became is looked at again", async () => {
    let lost = 0;
    const store: TaskStore = {
      ...at.store,
      async commit(commit) {
        const answer = await at.store.commit(commit);
        const publishes = commit.writes.some(({ id }) => id.startsWith("consistency/"));
        if (!publishes || lost++ > 0) return answer;
        return { kind: "unknown", cause: "the connection was lost" };
      },
    };
    at.start("one", { store });
    await at.computed(good);
    await at.pass(minuteMs);
    expect([await stateOf(), await ratesOf(), lost]).toEqual(["succeeded", ["amount_sum 99"], 2]);
  });

  test("of two that publish at once the one that read older rows reads again", async () => {
    let arrived = () => {};
    const read = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    let go = () => {};
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    let slow = true;
    const lake = lakeWhose(async (name, real) => {
      const object = await real.read(name);
      if (!slow) return object;
      slow = false;
      arrived();
      await held;
      return object;
    });
    // Its commits of tasks go on failing: it is the slow one, and another takes over.
    const killed = at.abandon("slow", { lake });
    await at.computed(good);
    await at.pass(10_000);
    await read;
    killed.unsubscribe();
    at.start("fast");
    await at.computed(hoursFile([{ amount_sum: { total: 100, mismatch: 50 } }]));
    await at.pass(5 * minuteMs);
    expect(await ratesOf()).toEqual(["amount_sum 50"]);
    go();
    await at.pass(minuteMs);
    expect([await stateOf(), await ratesOf()]).toEqual(["succeeded", ["amount_sum 50"]]);
  });
});

describe("a lake that does not answer", () => {
  test("is asked again until it does, as the same attempt", async () => {
    // Longer than a claim has to be submitted.
    let failures = 60;
    const lake = lakeWhose(async (name, real) => {
      if (failures-- > 0) throw new RetryableError("the bucket does not answer");
      return real.read(name);
    });
    at.start("one", { lake });
    await at.computed(good);
    await at.pass(10 * minuteMs);
    expect([await stateOf(), await attemptsOf()]).toEqual(["succeeded", [1]]);
  });

  test("holds up no decision", async () => {
    at.start("one", { lake: lakeWhose(never) });
    await at.computed(good);
    await at.landed("logs.requests");
    await at.landed("logs.schemas");
    await at.pass(minuteMs);
    expect(await stateOf()).toBe("launching");
    expect((await at.task("log-flattener"))?.state.kind).toMatch(/^(launching|running)$/);
  });
});

describe("a consistency table that is not as it should be", () => {
  const failed: readonly (readonly [string, Uint8Array, RegExp])[] = [
    [
      "no Parquet",
      Buffer.from("PAR1 or not"),
      /^failed: out\/risk_checkout_consistency\/ds=2025-09-30\/.* is not readable as Parquet: /,
    ],
    [
      "a count that is text",
      hoursFile([{}]),
      /has no columns of counts, such as <feature>_total_count/,
    ],
  ];
  test.each(failed)("%s: the task fails with what is wrong", async (_, bytes, why) => {
    at.start("one");
    await at.computed(bytes);
    await at.pass(10 * minuteMs);
    expect([await stateOf(), await attemptsOf(), await at.published()]).toEqual([
      "failed",
      [2],
      null,
    ]);
    expect(await whyOf()).toMatch(why);
    await at.computed(good);
    await at.pass(10 * minuteMs);
    expect([await stateOf(), await ratesOf()]).toEqual(["succeeded", ["amount_sum 99"]]);
  });

  test("a file that the log has and the lake has not", async () => {
    at.start("one", { lake: lakeWhose(async () => null) });
    await at.computed(good);
    await at.pass(10 * minuteMs);
    expect(await whyOf()).toMatch(/\.parquet is in the table's log and not in the lake$/);
  });

  test("no rows: it is published that nothing was compared", async () => {
    at.start("one");
    await at.computed(hoursFile([]));
    await at.pass(minuteMs);
    expect([await stateOf(), await whyOf()]).toEqual([
      "succeeded",
      "done: no requests were compared",
    ]);
    expect(await at.published()).toMatchObject({ match: null, hours: 0, features: [] });
  });

  test("files of a day with other columns each, and hours without a feature, count together", async () => {
    at.start("one");
    await at.computed(hoursFile([{ a_sum: { total: 10 } }, { b: { total: 4, right_null: 1 } }]));
    await at.computed(
      hoursFile([{ a_sum: { total: 10, mismatch: 2 }, c: { total: null } }]),
      "append",
    );
    await at.pass(10 * minuteMs);
    expect(await ratesOf()).toEqual(["b 75", "a_sum 90", "c null"]);
    expect((await at.published())?.hours).toBe(3);
  });
});
