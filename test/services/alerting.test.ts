import { Subject } from "rxjs";
import { afterEach, describe, expect, test, vi } from "vitest";
import { RetryableError } from "../../ports/errors.ts";
import type { Task } from "../../schemas/tasks.ts";
import { alerting } from "../../services/tracker/alerts/pipeline.ts";
import { type AlertingPlace, alertingPlace } from "../support/alerting-place.ts";
import { task } from "../support/documents.ts";
import { step } from "../support/plan.ts";

const now = Date.parse("2025-10-02T06:00:00Z");
const minute = 60_000;

let at: AlertingPlace;

afterEach(() => at.close());

const failed = (id: string, reason = "exit code 1"): Task =>
  task(id, { state: { kind: "failed", run: 1, at: now, reason } });

const succeeded = (id: string): Task =>
  task(id, { state: { kind: "succeeded", run: 1, at: now, remark: null } });

const day = (n: number) => new Date(now - n * 86_400_000).toISOString().slice(0, 10);

describe("an alert, from failure to recovery", () => {
  test("is told once, is not closed by a retry, and is closed when its task has recovered", async () => {
    at = await alertingPlace(now);
    const look = at.looks();
    await at.put(failed("risk.a/upload@2025-10-01"));
    for (let n = 0; n < 3; n += 1) await look();
    expect(at.told()).toEqual(["opened step-failed risk 1"]);
    await at.put(
      task("risk.a/upload@2025-10-01", {
        state: { kind: "running", run: 2, attempt: 1, jobId: "j", timeoutAt: now + minute },
      }),
    );
    at.passes(10 * minute);
    for (let n = 0; n < 3; n += 1) await look();
    expect(at.told()).toHaveLength(1);
    await at.put(succeeded("risk.a/upload@2025-10-01"));
    await look();
    expect(at.told()).toHaveLength(1);
    at.passes(minute);
    await look();
    expect(at.told()).toEqual(["opened step-failed risk 1", "closed step-failed risk 1"]);
    await look();
    expect(await at.open()).toEqual([]);
    expect(at.lines.map((line) => line.split(" ").slice(0, 3).join(" "))).toEqual([
      "error alert opened:",
      "info alert closed:",
    ]);
  });

  test("those who keep the team's configs are told with it, as the plan says", async () => {
    at = await alertingPlace(now);
    const maintainers = { default: ["platform@example.com"], growth: ["growth@example.com"] };
    await at.releaseOf({ maintainers }, step("risk.a", []), step("growth.b", []));
    await at.put(failed("risk.a/backfill@2025-10-01"), {
      ...failed("growth.b/backfill@2025-10-01"),
      team: "growth",
    });
    await at.looks()();
    const told = at.receiver.received.map(({ body }) => {
      const { team, maintainers: who } = JSON.parse(body) as Record<string, unknown>;
      return [team, who];
    });
    expect(told).toEqual(
      expect.arrayContaining([
        ["risk", ["platform@example.com"]],
        ["growth", ["growth@example.com"]],
      ]),
    );
  });

  test("a storm of 500 is one alert; when it doubles, people are told again", async () => {
    at = await alertingPlace(now);
    const look = at.looks();
    const storm = Array.from({ length: 500 }, (_, n) => failed(`risk.c${n}/upload@2025-10-01`));
    await at.put(...storm.slice(0, 250));
    await look();
    await at.put(...storm.slice(250));
    await look();
    expect(at.told()).toEqual(["opened step-failed risk 250", "updated step-failed risk 500"]);
    expect(await at.open()).toHaveLength(1);
  });
});

describe("L1: told at least once, known there by one alias", () => {
  test("two trackers leave the same alerts and only tell twice", async () => {
    at = await alertingPlace(now);
    await at.put(failed("risk.a/upload@2025-10-01"), failed("risk.b/upload@2025-10-01", "other"));
    const [one, two] = [at.looks(), at.looks()];
    for (let n = 0; n < 3; n += 1) await Promise.all([one(), two()]);
    const aliases = at.receiver.received.map(
      ({ body }) => (JSON.parse(body) as { alias: string }).alias,
    );
    expect(new Set(aliases).size).toBe(2);
    expect(aliases.length).toBeLessThanOrEqual(4);
    const open = await at.open();
    expect(open.map(({ routes }) => routes["hook"]?.change)).toEqual(["opened", "opened"]);
  });

  test("a tracker that dies before it stored what was told: the next tells again", async () => {
    at = await alertingPlace(now);
    await at.put(failed("risk.a/upload@2025-10-01"));
    let commits = 0;
    const { store } = at.ports;
    const dying: typeof store = {
      ...store,
      async commit(commit) {
        commits += 1;
        if (commits > 1) throw new RetryableError("killed");
        return store.commit(commit);
      },
    };
    await at.looks({ store: dying })();
    await at.looks()();
    expect(at.told()).toEqual(["opened step-failed risk 1", "opened step-failed risk 1"]);
    await at.looks()();
    expect(at.told()).toHaveLength(2);
  });
});

describe("L2: a route that is away is told later", () => {
  test("what happens meanwhile is kept, other routes are told at once", async () => {
    at = await alertingPlace(now);
    const look = at.looks();
    await at.put(failed("risk.a/upload@2025-10-01"), failed("risk.b/upload@2025-10-01", "other"));
    for (const away of ["hangs up", "is slow", { status: 503 }, { status: 429 }] as const) {
      at.receiver.behave(away);
      const before = at.receiver.received.length;
      await look();
      // One try a look: the others would wait for the same.
      expect(at.receiver.received.length - before).toBe(1);
      at.passes(minute);
    }
    const kept = await at.open();
    expect(kept.map(({ routes }) => routes["hook"]?.unsent?.since)).toEqual([now, now]);
    expect(kept.map(({ routes }) => routes["log"]?.change)).toEqual(["opened", "opened"]);
    at.receiver.behave("accepts");
    const before = at.receiver.received.length;
    await look();
    expect(at.told().slice(before)).toEqual([
      "opened step-failed risk 1",
      "opened step-failed risk 1",
    ]);
    const told = await at.open();
    expect(told.map(({ routes }) => routes["hook"]?.unsent)).toEqual([null, null]);
  });

  test("what is refused is said once, shown, and not sent again by this process", async () => {
    at = await alertingPlace(now);
    const look = at.looks();
    await at.put(failed("risk.a/upload@2025-10-01"), failed("risk.b/upload@2025-10-01", "other"));
    at.receiver.behave({ status: 403 });
    for (let n = 0; n < 3; n += 1) await look();
    expect(at.told()).toHaveLength(2);
    expect(at.lines.filter((line) => line.includes("refuses"))).toHaveLength(1);
    expect(at.lines.join("\n")).not.toContain("s3cret");
    const kept = await at.open();
    expect(kept[0]?.routes["hook"]?.refused).toContain("HTTP 403");
    at.receiver.behave("accepts");
    await at.looks()();
    const told = await at.open();
    expect(told.map(({ routes }) => routes["hook"]?.refused)).toEqual([null, null]);
  });

  test("a cause that comes back is told and closed, though a route once refused to hear that it was over", async () => {
    at = await alertingPlace(now);
    const look = at.looks();
    const id = "risk.a/upload@2025-10-01";
    const overAfter = async () => {
      await at.put(succeeded(id));
      await look();
      at.passes(10 * minute);
      for (let n = 0; n < 2; n += 1) await look();
    };
    await at.put(failed(id));
    await look();
    at.receiver.behave({ status: 403 });
    await overAfter();
    expect(await at.open()).toEqual([]);
    at.receiver.behave("accepts");
    await look();
    await at.put(failed(id));
    await look();
    const before = at.told().length;
    await overAfter();
    expect(at.told().slice(before)).toEqual(["closed step-failed risk 1"]);
    expect(await at.open()).toEqual([]);
  });
});

describe("what is looked at", () => {
  test("batches that are not loaded, of GroupBys that once were; what is met is not read again", async () => {
    at = await alertingPlace(now);
    const look = at.looks();
    const mode = "upload-to-kv";
    const steps = ["old", "new", "fresh"].map((name) => step(name, [], { mode, output: "" }));
    await at.release(...steps);
    await at.put(succeeded(`old/${mode}@${day(9)}`), succeeded(`fresh/${mode}@${day(1)}`));
    await look();
    const found = await at.open();
    expect(found.map(({ kind, summary }) => `${kind} ${summary.slice(0, 40)}`)).toEqual([
      "serving-stale GroupBy served from old batches: old: no",
    ]);
    const before = at.ports.store.counters().documentsRead;
    await at.put(succeeded(`old/${mode}@${day(1)}`), succeeded(`new/${mode}@${day(1)}`));
    await look();
    at.passes(minute);
    await look();
    expect(at.told()).toEqual(["opened serving-stale risk 1", "closed serving-stale risk 1"]);
    await look();
    const settled = at.ports.store.counters().documentsRead;
    await look();
    // The index of alerts, that of streams, the head of metadata and the plan's pointer.
    expect(at.ports.store.counters().documentsRead - settled).toBe(4);
    expect(before).toBeGreaterThan(2);
  });

  test("a failure is over when only the newest day counts and a newer one is done, or its step left", async () => {
    at = await alertingPlace(now);
    const look = at.looks();
    const upload = step("a", [], { mode: "upload", strategy: "latest-only" });
    const every = step("b", []);
    await at.release(upload, every);
    await at.put(failed(`a/upload@${day(2)}`), failed(`b/backfill@${day(2)}`, "other"));
    await at.put(succeeded(`a/upload@${day(3)}`));
    await look();
    expect(await at.open()).toHaveLength(2);
    await at.put(succeeded(`a/upload@${day(1)}`), succeeded(`b/backfill@${day(1)}`));
    const left = async () => {
      await look();
      at.passes(minute);
      await look();
      await look();
      return (await at.open()).flatMap(({ tasks }) => tasks);
    };
    expect(await left()).toEqual([`b/backfill@${day(2)}`]);
    await at.release(upload);
    expect(await left()).toEqual([]);
  });

  test("an event that was put aside; and nothing is over because dead letters cannot be read", async () => {
    at = await alertingPlace(now);
    const letters = [{ id: "m1", body: {}, reason: "decide threw", at: now }];
    let away = false;
    const bus = {
      ...at.ports.bus,
      deadLetters: async () => {
        if (away) throw new RetryableError("away");
        return letters;
      },
    };
    const look = at.looks({ bus });
    await look();
    expect(at.told()).toEqual(["opened dead-letter landfall 1"]);
    away = true;
    for (let n = 0; n < 3; n += 1) {
      at.passes(10 * minute);
      await look();
    }
    expect(at.told()).toHaveLength(1);
    away = false;
    letters.pop();
    for (let n = 0; n < 2; n += 1) {
      at.passes(10 * minute);
      await look();
    }
    expect(at.told()).toEqual(["opened dead-letter landfall 1", "closed dead-letter landfall 1"]);
  });
});

describe("the stream", () => {
  test("goes on when the store is away, says so once, and completes when it is stopped", async () => {
    at = await alertingPlace(now, { lookMs: 10 });
    await at.put(failed("risk.a/upload@2025-10-01"));
    let reads = 0;
    const { store } = at.ports;
    const flaky: typeof store = {
      ...store,
      async read(ids) {
        reads += 1;
        if (reads <= 3) throw new RetryableError("the store is away");
        return store.read(ids);
      },
    };
    const stop = new Subject<void>();
    const done = new Promise<void>((resolve, reject) => {
      alerting({ ...at.ports, store: flaky }, stop).subscribe({ complete: resolve, error: reject });
    });
    await vi.waitFor(() => expect(at.told()).toEqual(["opened step-failed risk 1"]), 10_000);
    stop.next();
    await done;
    expect(at.lines.filter((line) => line.includes("the store is away"))).toHaveLength(1);
  });
});
