import { lastValueFrom, map, Subject } from "rxjs";
import { afterAll, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { traceOf } from "../../core/trace.ts";
import type { Bus, Delivery } from "../../ports/bus.ts";
import type { JobSpec } from "../../ports/job-runner.ts";
import { silentLog } from "../../ports/log.ts";
import type { JobSettled, LandfallEvent } from "../../schemas/events.ts";
import { parseTaskId } from "../../schemas/ids.ts";
import { dispatcher } from "../../services/dispatcher/pipeline.ts";
import { tracesOf } from "../../services/dispatcher/traces.ts";
import {
  allTasks,
  days,
  instantRunner,
  landed,
  openWorld,
  removeWorlds,
  settings,
} from "../support/dispatcher-place.ts";
import { tick } from "../support/documents.ts";
import { input, planOf, step } from "../support/plan.ts";

afterAll(removeWorlds);

/** A bus that carries traces, as Pub/Sub does in an attribute. */
function tracing(bus: Bus): Bus {
  const traces = new Map<string, string>();
  return {
    ...bus,
    async publish(events, trace) {
      for (const event of events) if (trace) traces.set(JSON.stringify(event), trace);
      await bus.publish(events);
    },
    deliveries: (options) =>
      bus.deliveries(options).pipe(
        map((delivery) => {
          const trace = traces.get(JSON.stringify(delivery.event));
          return trace === undefined ? delivery : { ...delivery, trace };
        }),
      ),
  };
}

test("from a landing on, every move and every job that comes of it is in its trace", async () => {
  const world = await openWorld();
  const bus = tracing(world.bus);
  const submitted: JobSpec[] = [];
  const lines: Record<string, unknown>[] = [];
  const log = { ...silentLog, info: (fields: object) => void lines.push({ ...fields }) };
  const stop = new Subject<void>();
  const runner = instantRunner(bus, submitted);
  const ports = { ...world, bus, runner, settings, by: "one", clock: systemClock(), log };
  const running = lastValueFrom(dispatcher(ports, stop), { defaultValue: undefined });
  for (const day of days) await bus.publish([landed("data.x", day, 1)], traceOf(day));
  await vi.waitFor(
    async () => {
      const done = (await allTasks(world.store)).filter(({ state }) => state.kind === "succeeded");
      expect(done).toHaveLength(2 * days.length);
    },
    { timeout: 30_000, interval: 50 },
  );
  stop.next();
  await running;
  const dayOf = (task: unknown) => parseTaskId(String(task)).range.end;
  expect(submitted.map(({ trace }) => trace)).toEqual(
    submitted.map(({ task }) => traceOf(dayOf(task))),
  );
  expect(lines.filter(({ to }) => to === "succeeded")).toHaveLength(2 * days.length);
  for (const { task, traceparent, to } of lines) {
    expect(traceparent, JSON.stringify({ task, to })).toBe(traceOf(dayOf(task)));
  }
});

describe("of several deliveries, the one whose event moved the task", () => {
  const plan = planOf(
    step("a", [input("data.x", { startOffset: "P1D", endOffset: "P0D" })]),
    step("b", [input("out.a"), input("data.y")]),
    step("c", [], { after: ["b/backfill"] }),
  );
  const ended = (task: string): JobSettled => ({
    kind: "job-settled",
    schema: 1,
    task,
    run: 1,
    attempt: 1,
    jobId: "j",
    outcome: "succeeded",
    blame: "job",
    startedAt: null,
    endedAt: 0,
    error: null,
    log: null,
    outputs: [],
  });
  const asked = { schema: 1, id: "c", by: "ana", at: 0 } as const;
  const deliveries = (...told: readonly (readonly [string | null, LandfallEvent])[]): Delivery[] =>
    told.map(([name, event], at) => ({
      id: `${at}`,
      event,
      attempt: 1,
      ...(name === null ? {} : { trace: traceOf(name) }),
      ack() {},
      nack() {},
    }));
  const found = (task: string, ...told: readonly (readonly [string | null, LandfallEvent])[]) =>
    tracesOf(deliveries(...told), plan)(task);
  const noise = ["noise", landed("data.x", "2025-01-01", 1)] as const;

  test.each<[string, string, LandfallEvent]>([
    ["the end of its job", "a/backfill@2025-09-02", ended("a/backfill@2025-09-02")],
    ["its last input", "a/backfill@2025-09-02", landed("data.x", "2025-09-02", 1)],
    ["an input of its window", "a/backfill@2025-09-02", landed("data.x", "2025-09-01", 1)],
    ["the job that wrote its input", "b/backfill@2025-09-02", ended("a/backfill@2025-09-02")],
    [
      "a range that wrote its input",
      "b/backfill@2025-09-02",
      ended("a/backfill@2025-09-01..2025-09-09"),
    ],
    ["the step before it", "c/backfill@2025-09-02", ended("b/backfill@2025-09-02")],
    [
      "a retry",
      "b/backfill@2025-09-02",
      { kind: "task-retry", ...asked, task: "b/backfill@2025-09-02" },
    ],
    [
      "a cancellation",
      "b/backfill@2025-09-02",
      { kind: "task-cancel", ...asked, task: "b/backfill@2025-09-02" },
    ],
    [
      "a backfill of its config",
      "b/backfill@2025-09-02",
      {
        kind: "backfill-requested",
        ...asked,
        target: "b",
        start: "2025-09-01",
        end: "2025-09-02",
      },
    ],
  ])("%s", (_, task, event) => {
    expect(found(task, noise, ["cause", event])).toBe(traceOf("cause"));
    expect(found(task, ["cause", event], noise)).toBe(traceOf("cause"));
  });

  test.each<[string, string, LandfallEvent]>([
    ["a day it does not read", "a/backfill@2025-09-02", landed("data.x", "2025-09-03", 1)],
    ["a table it does not read", "a/backfill@2025-09-02", landed("data.y", "2025-09-02", 1)],
    ["the end of another day", "b/backfill@2025-09-02", ended("a/backfill@2025-09-03")],
    ["passing time", "a/backfill@2025-09-02", tick(1)],
  ])("none for %s", (_, task, event) => {
    expect(found(task, noise, ["other", event])).toBeUndefined();
  });

  test("its own end comes before what else happened; one delivery alone moved everything", () => {
    const task = "b/backfill@2025-09-02";
    const own = ["own", ended(task)] as const;
    expect(found(task, own, ["input", landed("data.y", "2025-09-02", 1)])).toBe(traceOf("own"));
    expect(found("of/nothing@2025-09-02", own)).toBe(traceOf("own"));
    expect(found(task, [null, ended(task)], noise)).toBeUndefined();
  });
});
