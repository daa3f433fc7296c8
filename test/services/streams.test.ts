import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import { file, join } from "../support/configs.ts";
import { task } from "../support/documents.ts";
import { mortal } from "../support/mortal.ts";
import { type StreamsPlace, streamFile, streamsPlace } from "../support/streams-place.ts";
import { get, put } from "../support/task-stores.ts";

const minuteMs = 60_000;
const config = "risk.clicks";

let at: StreamsPlace;

afterEach(() => at.close());

async function served(options: Parameters<typeof streamsPlace>[0] = {}): Promise<void> {
  at = streamsPlace(options);
  await at.release(streamFile(config));
  await at.serve(config);
}

const stateOf = async () => (await at.stream(config))?.state.kind;

describe("a stream", () => {
  test("waits for its upload, is begun, becomes healthy and is left alone", async () => {
    at = streamsPlace();
    await at.release(streamFile(config));
    at.start("one");
    await at.pass(5 * minuteMs);
    expect(await stateOf()).toBe("waiting");
    await at.serve(config);
    await at.pass(13 * minuteMs);
    expect(await stateOf()).toBe("running");
    expect(at.submitted).toHaveLength(1);
    await at.pass(24 * 60 * minuteMs);
    expect(at.submitted).toHaveLength(1);
    expect(at.cancelled).toEqual([]);
    const { attempts, checkpoint, troubles } = (await at.stream(config)) ?? {};
    expect(attempts?.[0]?.confirmedAt).not.toBeNull();
    expect(checkpoint?.n).toBeGreaterThan(1_400);
    expect(troubles).toEqual([]);
  });

  test("is looked at as soon as something is heard of it", async () => {
    await served({
      behaviour: { faults: [{ step: `${config}/streaming`, run: 2, does: "fail" }] },
    });
    const keeper = at.start("one");
    await at.pass(40 * minuteMs);
    const [first] = await at.running();
    await at.runner.cancel(first ?? "");
    keeper.nudge(config);
    await at.pass(3_000);
    expect(at.submitted).toHaveLength(2);
    await at.pass(5 * minuteMs);
    expect(await at.running()).toEqual([]);
    await at.pass(10 * minuteMs);
    expect(await at.running()).toHaveLength(1);
    const { attempts } = (await at.stream(config)) ?? {};
    expect(attempts?.map(({ outcome }) => outcome)).toEqual(["cancelled", "failed", null]);
    expect(attempts?.[2]?.from?.path).toMatch(/chk-\d+$/);
  });

  test("goes on with another conf from its newest checkpoint, never two at once", async () => {
    await served();
    at.start("one");
    at.start("two");
    await at.pass(30 * minuteMs);
    await at.release(streamFile(config, "2"));
    await at.pass(3 * minuteMs);
    const [first, second] = at.submitted;
    expect(at.submitted).toHaveLength(2);
    expect(await at.running()).toEqual([second?.jobId]);
    expect(first?.savepoint).toBeUndefined();
    expect(second?.savepoint).toMatch(/^memory:\/checkpoints\/[0-9a-f]{32}\/chk-\d+$/);
    expect(second?.conf).not.toBe(first?.conf);
  });

  test("of a config that is gone is found by the list of all, and goes on", async () => {
    await served();
    const first = at.start("one");
    await at.pass(30 * minuteMs);
    await at.release(streamFile("risk.other"));
    await first.stop();
    at.start("two");
    await at.pass(20 * minuteMs);
    expect(await stateOf()).toBe("gone");
    expect(await at.running()).toHaveLength(1);
  });

  test("that waits for its source's metadata begins once that lies in the online store", async () => {
    at = streamsPlace();
    const left = { events: { table: "data.checkouts", topic: "t", query: {} } };
    const metaData = { name: "risk.parent", team: "risk", outputNamespace: "out" };
    const source = { joinSource: { join: { metaData, left, joinParts: [] } } };
    const { path, text } = streamFile(config);
    const conf = { ...(JSON.parse(text) as object), sources: [source] };
    await at.release({ path, text: JSON.stringify(conf) });
    await at.serve(config);
    at.start("one");
    await at.pass(5 * minuteMs);
    expect((await at.stream(config))?.why).toContain("the metadata of its source, risk.parent");
    const row = { hash: "h", uploadedAt: 1 };
    await put(at.store, "metadata-rows/risk", { schema: 1, rows: { "joins/risk.parent": row } });
    await put(at.store, "metadata/current", {
      schema: 1,
      table: "CHRONON_METADATA",
      uploaded: null,
      refreshedAt: null,
      pages: ["growth", "risk"],
      trouble: null,
      remark: null,
      writing: null,
    });
    await at.pass(11 * minuteMs);
    expect(at.submitted).toHaveLength(1);
  });

  test.each(["job", "others"] as const)("whose source's metadata is written by %s", async (by) => {
    const team = { growth: { metadata: by } };
    at = streamsPlace({ settings: { teams: team } });
    const left = { events: { table: "data.checkouts", topic: "t", query: {} } };
    const parent = join("growth.parent", { left });
    const source = { joinSource: { join: parent } };
    const { path, text } = streamFile(config);
    const conf = { ...(JSON.parse(text) as object), sources: [source] };
    await at.release({ path, text: JSON.stringify(conf) }, file("joins", parent));
    await at.serve(config);
    at.start("one");
    await at.pass(5 * minuteMs);
    expect(at.submitted).toHaveLength(by === "others" ? 1 : 0);
    const id = "growth.parent/metadata-upload@2025-10-01";
    const state = { kind: "succeeded", run: 1, at: at.clock.now(), remark: null } as const;
    await put(at.store, `tasks/${id}`, task(id, { state }));
    await at.pass(11 * minuteMs);
    expect(at.submitted).toHaveLength(1);
  });

  test("of a team that keeps its streams itself is nobody's business here", async () => {
    await served({ settings: { teams: { risk: { streams: "others" } } } });
    at.start("one");
    await at.pass(30 * minuteMs);
    expect(await at.stream(config)).toBeNull();
    expect(at.submitted).toEqual([]);
  });
});

describe("trouble", () => {
  test("a manifest that is half written is an alert, and nothing is begun before a command", async () => {
    const faults = [{ step: `${config}/streaming`, run: 1, does: "write-half" }];
    await served({ behaviour: { faults } });
    at.start("one");
    await at.pass(20 * minuteMs);
    expect(await stateOf()).toBe("unhealthy");
    const [job] = await at.running();
    await at.runner.cancel(job ?? "");
    await at.pass(30 * minuteMs);
    const held = await at.stream(config);
    expect(held?.state).toMatchObject({ kind: "held", reason: "state-lost" });
    expect(held?.troubles.map(({ kind }) => kind)).toEqual(["stream-state-lost"]);
    const { version, body } = await get(at.store, `streams/${config}`);
    const asked = { command: "c", by: "ana", does: "deploy-without-state" } as const;
    const writes = [{ id: `streams/${config}`, body: { ...body, asked }, version }] as const;
    await at.store.commit({ writes: writes as never, checks: [] });
    await at.pass(15 * minuteMs);
    expect(await stateOf()).toBe("running");
  });

  test("a refusal is said, and tried again after a while", async () => {
    await served();
    let reason: string | null = "no FLINK_STATE_URI is known for it";
    const submit: typeof at.runner.submit = async (spec) =>
      reason === null ? at.own.runner.submit(spec) : { kind: "refused", reason };
    at.start("one", { ...at.own, runner: { ...at.own.runner, submit } });
    await at.pass(30 * minuteMs);
    expect((await at.stream(config))?.troubles.map(({ kind }) => kind)).toContain("stream-down");
    expect((await at.stream(config))?.why).toContain("no FLINK_STATE_URI");
    reason = null;
    await at.pass(31 * minuteMs);
    expect(await stateOf()).toBe("running");
  });

  test("state that cannot be read for a while is said; what runs goes on", async () => {
    await served();
    let broken: Error | null = null;
    const state = {
      ...at.own.state,
      async read(name: string) {
        if (broken !== null) throw broken;
        return at.own.state.read(name);
      },
    };
    at.start("one", { ...at.own, state });
    await at.pass(10 * minuteMs);
    for (const cause of [new RetryableError("no answer"), new PermanentError("no such bucket")]) {
      broken = cause;
      await at.pass(15 * minuteMs);
      expect(await stateOf()).toBe("unhealthy");
      expect((await at.stream(config))?.why).toContain(cause.message);
      broken = null;
      await at.pass(15 * minuteMs);
      expect(await stateOf()).toBe("running");
    }
    expect(at.submitted).toHaveLength(1);
  });

  test("of one stream holds up no other", async () => {
    await served();
    await at.release(streamFile(config), streamFile("risk.other"));
    await at.serve("risk.other");
    const submit: typeof at.runner.submit = async (spec) => {
      if (spec.config === config) throw new RetryableError("a quota is used up");
      return at.own.runner.submit(spec);
    };
    at.start("one", { ...at.own, runner: { ...at.own.runner, submit } });
    await at.pass(5 * minuteMs);
    expect((await at.stream("risk.other"))?.state.kind).toBe("running");
    expect(at.told.join("\n")).toContain("a quota is used up");
  });
});

describe("S1, S2: however keepers die", () => {
  test("one runs in the end, and no attempt is begun while another one runs", async () => {
    const dies = fc.record({
      at: fc.integer({ min: 1, max: 60 }),
      having: fc.constantFrom("done" as const, "not done" as const),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(dies, { minLength: 1, maxLength: 4 }), fc.boolean(), check),
      { numRuns: 60 },
    );
  }, 60_000);

  async function check(
    deaths: readonly { readonly at: number; readonly having: "done" | "not done" }[],
    beside: boolean,
  ): Promise<void> {
    await served({
      behaviour: { faults: [{ step: `${config}/streaming`, run: 2, does: "fail" }] },
    });
    const overlaps: string[] = [];
    const submit: typeof at.runner.submit = async (spec) => {
      const others = (await at.running()).filter((jobId) => jobId !== spec.jobId);
      if (others.length > 0) overlaps.push(`${spec.jobId} beside ${others.join()}`);
      return at.own.runner.submit(spec);
    };
    const own = { ...at.own, runner: { ...at.own.runner, submit } };
    if (beside) at.start("beside", own);
    let word = 1;
    for (const [life, death] of deaths.entries()) {
      at.start(`life ${life}`, mortal({ ...own }, death));
      await at.pass(7 * minuteMs);
      word += 1;
      await at.release(streamFile(config, String(word)));
      await at.pass(7 * minuteMs);
    }
    at.start("the last", own);
    await at.pass(60 * minuteMs);
    expect(overlaps).toEqual([]);
    expect(await at.running()).toHaveLength(1);
    expect(await stateOf()).toBe("running");
    const last = (await at.stream(config))?.attempts.at(-1);
    expect(last?.wanted).toBe((await at.stream(config))?.wanted?.hash);
    const ids = at.submitted.map(({ jobId }) => jobId);
    expect(new Set(ids).size).toBe(ids.length);
  }
});
