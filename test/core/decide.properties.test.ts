import fc from "fast-check";
import { expect, test } from "vitest";
import { isLive } from "../../core/status.ts";
import type { Settings } from "../../schemas/settings.ts";
import type { Task } from "../../schemas/tasks.ts";
import { input, planOf, step } from "../support/plan.ts";
import { world } from "../support/world.ts";

const days = ["2025-09-27", "2025-09-28", "2025-09-29", "2025-09-30"] as const;
const externals = ["data.a", "data.b"] as const;

/** A staging query, a window over it, a diamond, and an upload chain on top. */
const plan = planOf(
  step("sq", [input("data.a")]),
  step("windowed", [input("out.sq", { startOffset: "P1D" })]),
  step("both", [input("data.b"), input("out.sq")]),
  step("filler", [input("out.windowed"), input("out.both")], { effect: "fills" }),
  step("gb", [input("out.both")], {
    mode: "upload",
    strategy: "latest-only",
    output: "out.gb__upload",
  }),
);

type World = ReturnType<typeof world>;

const landing = fc.record({
  kind: fc.constant("land" as const),
  table: fc.constantFrom(...externals),
  day: fc.constantFrom(...days),
  version: fc.integer({ min: 1, max: 6 }),
});
const ending = fc.record({
  kind: fc.constant("end" as const),
  pick: fc.nat(),
  well: fc.boolean(),
});
const passing = fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(200_000) });
const action = fc.oneof(landing, ending, passing);
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

let written = 100;

/** Ends one live job; a job that ends well writes its output, at a version of its own. */
function end(w: World, { pick, well }: { pick: number; well: boolean }): void {
  const live = w.tasks().filter((task) => isLive(task.state));
  const task = live[pick % Math.max(1, live.length)];
  if (task === undefined) return;
  if (well) w.succeed(task.id, ++written);
  else w.fail(task.id);
}

function act(w: World, done: Action): void {
  switch (done.kind) {
    case "land":
      return void w.land(done.table, done.day, done.version);
    case "end":
      return end(w, done);
    case "pass":
      w.pass(done.ms);
      for (const task of w.due()) w.wake(task);
  }
}

/** What every moment must keep: the stored invariants, and I1 for what was just launched. */
function check(w: World, launchedBefore: number): void {
  expect(w.violations()).toEqual([]);
  for (const task of w.launched.slice(launchedBefore)) {
    for (const { table, range } of inputsOf(task)) {
      const document = w.document(`landings/${table}@${range.slice(0, 7)}`);
      expect(document, `${task.id} ran without ${table}@${range}`).toMatchObject({
        partitions: { [range]: { state: "landed" } },
      });
    }
  }
}

function inputsOf(task: Task): { table: string; range: string }[] {
  return (plan.step(task.step)?.inputs ?? []).map(({ table }) => ({ table, range: task.start }));
}

/** Everything that can end ends well, until nothing moves any more. */
function quiet(w: World): void {
  for (let round = 0; round < 200; round++) {
    const live = w.tasks().filter((task) => isLive(task.state));
    if (live.length === 0 && w.due().length === 0 && retrying(w).length === 0) return;
    for (const task of live) w.succeed(task.id, ++written);
    w.pass(600_000);
    for (const task of w.due()) w.wake(task);
  }
  throw new Error("the world does not come to rest");
}

const retrying = (w: World) => w.tasks().filter((task) => task.state.kind === "retrying");

const settings: Partial<Settings> = {
  externalClosing: { when: "at-landing" },
  retries: { job: { max: 50, delayMs: 1_000 }, infrastructure: { max: 50, delayMs: 1_000 } },
};

test("whatever happens, in whatever order, the invariants hold and all that can finish does", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const w = world(plan, settings);
      for (const done of actions) {
        const before = w.launched.length;
        act(w, done);
        check(w, before);
      }
      quiet(w);
      expect(w.violations()).toEqual([]);
      for (const task of w.tasks()) {
        if (task.state.kind === "waiting") expect(task.why).toContain("has not landed");
        else expect(["succeeded", "skipped"]).toContain(task.state.kind);
      }
    }),
    { numRuns: 300 },
  );
});

test("I4: when all is quiet, what overwrites has read the newest version of every input", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const w = world(plan, settings);
      for (const done of actions) act(w, done);
      quiet(w);
      for (const task of w.tasks()) {
        if (task.state.kind !== "succeeded" || plan.step(task.step)?.effect === "fills") continue;
        if (/is newer|runs again when/.test(task.why)) continue;
        for (const { table, range } of inputsOf(task)) {
          const document = w.document(`landings/${table}@${range.slice(0, 7)}`) as {
            partitions: Record<string, { version: { n: number } }>;
          };
          expect(task.reads[table]?.[range]).toBe(`0.${document.partitions[range]?.version.n}`);
        }
      }
    }),
    { numRuns: 300 },
  );
});

/**
 * Holes are fine here: which days a window must have begins at the table's first known day, and
 * what was known when a task was claimed does depend on the order in which days landed.
 */
test("I8: the same landings in any order, some twice, come to the same tasks", () => {
  const facts = fc.uniqueArray(
    fc.record({ table: fc.constantFrom(...externals), day: fc.constantFrom(...days) }),
    { selector: ({ table, day }) => `${table}@${day}`, maxLength: 8 },
  );
  fc.assert(
    fc.property(
      facts.chain((list) =>
        fc.tuple(
          fc.constant(list),
          fc.shuffledSubarray([...list, ...list], { minLength: list.length * 2 }),
        ),
      ),
      ([list, shuffled]) => {
        const outcome = (order: typeof list) => {
          const w = world(plan, { ...settings, tables: { "out.sq": { holes: "fine" } } });
          for (const { table, day } of order) w.land(table, day, 1);
          quiet(w);
          return w
            .tasks()
            .filter(({ step: id }) => id !== "gb/upload")
            .map(({ id, state }) => `${id} ${state.kind}`)
            .sort();
        };
        expect(outcome(shuffled)).toEqual(outcome(list));
      },
    ),
    { numRuns: 200 },
  );
});
