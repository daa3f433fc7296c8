import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Subject, tap } from "rxjs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { placeOf } from "../../adapters/gcp/place.ts";
import { pushedLake } from "../../adapters/gcp/push-lake.ts";
import { type PushReceiver, pushReceiver } from "../../adapters/gcp/push-receiver.ts";
import { openWorld } from "../../adapters/open.ts";
import { readSettings } from "../../adapters/read-settings.ts";
import { traceOf } from "../../core/trace.ts";
import { commitObject } from "../../lake/delta-log.ts";
import type { JobSpec } from "../../ports/job-runner.ts";
import type { World } from "../../ports/world.ts";
import { writeRelease } from "../../releases/release.ts";
import type { Deployment } from "../../schemas/deployment.ts";
import type { LandfallEvent } from "../../schemas/events.ts";
import { GoogleCloud } from "../../schemas/google-cloud.ts";
import type { Task } from "../../schemas/tasks.ts";
import { partsOfTrace } from "../../schemas/trace.ts";
import { dispatcher } from "../../services/dispatcher/pipeline.ts";
import { type OpenedService, runService } from "../../services/run-service.ts";
import { watcher } from "../../services/watcher/pipeline.ts";
import { instantRunner, landed } from "../support/dispatcher-place.ts";
import { actions, writeCommit } from "../support/lake.ts";
import { account, audience, keys, push, stranger, token } from "../support/push.ts";
import { stagingQueryFiles } from "../support/staging-queries.ts";

const gcp = GoogleCloud.parse({
  project: "acme",
  lake: "gs://acme-lake",
  configs: "gs://acme-landfall/configs",
  bigtableInstance: "features",
  push: { watcher: { url: audience, account } },
});

let folder: string;
let settings: Deployment;
let lines: Record<string, unknown>[];
let running: { readonly stop: Subject<void>; readonly done: Promise<number> } | null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "landfall-pushed-"));
  const env = { LANDFALL_DATA: join(folder, "data"), LANDFALL_LAKE: join(folder, "lake") };
  const read = readSettings({ ...env, LANDFALL_PORT: "0", LANDFALL_DRAIN_MS: "3000" });
  settings = { ...read.settings, externalClosing: { when: "at-landing" }, gcp };
  lines = [];
  running = null;
});
afterEach(async () => {
  running?.stop.next();
  await running?.done;
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a service on the embedded world, some of whose ports are others; answers where it listens. */
async function run(
  name: "watcher" | "dispatcher",
  open: (
    world: World,
    log: Parameters<typeof pushedLake>[0]["log"],
  ) => Promise<Partial<OpenedService>>,
  pipeline: Parameters<typeof runService>[0]["pipeline"],
): Promise<string> {
  const stop = new Subject<void>();
  const done = runService({
    name,
    settings,
    needs: name === "watcher" ? "lake.notifications" : "bus.deliveries",
    stop,
    logTo: { write: (line) => void lines.push(JSON.parse(line)) },
    async open(asked, log) {
      const opened = await openWorld(asked, { log });
      return { ...opened, ...(await open(opened.world, log)) };
    },
    pipeline,
  });
  running = { stop, done };
  const port = await vi.waitFor(() => {
    const found = lines.find((line) => "port" in line)?.["port"];
    if (found === undefined) throw new Error("it does not listen");
    return Number(found);
  });
  const address = `http://127.0.0.1:${port}`;
  await vi.waitFor(async () => expect((await fetch(`${address}/readyz`)).status).toBe(200), 10_000);
  return address;
}

async function post(address: string, body: string, signed = token()): Promise<Response> {
  const headers = { authorization: `Bearer ${signed}` };
  return fetch(address, { method: "POST", body, headers });
}

/** Tokens that are not what they should be, and what they are answered. */
const wrong = [
  [401, token({ key: stranger.privateKey })],
  [401, token({ claims: { exp: 2_000 } })],
  [403, token({ claims: { email: "eve@example.com" } })],
  [403, token({ claims: { aud: "https://other.example.com/push" } })],
] as const;

describe("a dispatcher that is pushed to", () => {
  let receiver: PushReceiver;
  let world: World;
  let submitted: JobSpec[];
  /** Commits that wait to be let through while `holding`. */
  let held: (() => void)[];
  let holding: boolean;
  let address: string;

  beforeEach(async () => {
    [submitted, held, holding] = [[], [], false];
    await run(
      "dispatcher",
      async (embedded, log) => {
        const rules = { audience, account, keys: async () => keys };
        const putAside = async () => Promise.reject(new Error("nothing is to be put aside"));
        receiver = await pushReceiver({ port: 0, host: "127.0.0.1", ...rules, putAside, log });
        world = embedded;
        const store: World["store"] = {
          ...embedded.store,
          async commit(changes) {
            if (holding) await new Promise<void>((resolve) => held.push(resolve));
            return embedded.store.commit(changes);
          },
        };
        const { deliveries } = receiver;
        const bus: World["bus"] = { ...embedded.bus, deliveries };
        const runner = instantRunner(embedded.bus, submitted);
        const close = async () => {
          await receiver.close();
          await embedded.close();
        };
        return { world: { ...embedded, bus, store, runner, close } };
      },
      (ports, stop) => dispatcher({ ...ports, by: "one" }, stop),
    );
    address = `http://127.0.0.1:${receiver.port}/push`;
    const release = await writeRelease(world.configs, stagingQueryFiles({ a: ["data.x"] }));
    const released: LandfallEvent = { kind: "configs-released", schema: 1, release };
    expect((await post(address, push(JSON.stringify(released)))).status).toBe(204);
  });

  const id = "t.a__0/backfill@2025-09-30";
  const task = async () =>
    ((await world.store.read([`tasks/${id}`])).get(`tasks/${id}`)?.body as Task | null) ?? null;
  const landing = JSON.stringify(landed("data.x", "2025-09-30", 1));

  test("answers 204 once what it decided is committed, and no moment sooner", async () => {
    holding = true;
    let status: number | null = null;
    const traceparent = traceOf("a landing");
    const sent = post(address, push(landing, { traceparent })).then((answer) => {
      status = answer.status;
    });
    for (const _ of ["the fact", "the claim"]) {
      await vi.waitFor(() => expect(held).toHaveLength(1), 10_000);
      // An answer that was sent by now would have arrived with this one.
      await fetch(address.replace("/push", "/healthz"));
      expect(status).toBeNull();
      expect(await task()).toBeNull();
      expect(submitted).toEqual([]);
      held.shift()?.();
    }
    await sent;
    expect(status).toBe(204);
    expect((await task())?.state.kind).toBe("launching");
    await vi.waitFor(() => expect(submitted).toMatchObject([{ task: id, trace: traceparent }]));
    expect(receiver.counts()).toMatchObject({ acked: 2, nacked: 0 });
    expect(lines.find((line) => line["message"] === `${id} launching`)).toMatchObject({
      "logging.googleapis.com/trace": `projects/acme/traces/${partsOfTrace(traceparent)?.trace}`,
    });
  });

  test("told to end in the midst, it answers 503, so that the push comes again", async () => {
    holding = true;
    const sent = post(address, push(landing));
    await vi.waitFor(() => expect(held).toHaveLength(1), 10_000);
    running?.stop.next();
    expect((await sent).status).toBe(503);
    expect(await running?.done).toBe(0);
    expect(receiver.counts()).toMatchObject({ acked: 1, nacked: 1 });
    for (const go of held) go();
  });

  test.each(wrong)(
    "answers %i to a wrong token, counts it, and handles nothing",
    async (...row) => {
      const [status, signed] = row;
      const answer = await post(address, push(landing), signed);
      expect(answer.status).toBe(status);
      expect(answer.headers.get("www-authenticate")).toBe(status === 401 ? "Bearer" : null);
      const outcome = status === 401 ? "unauthenticated" : "forbidden";
      expect(receiver.counts()).toMatchObject({ [outcome]: 1, acked: 1 });
      expect(
        (await post(address, push(JSON.stringify({ ...JSON.parse(landing), table: "data.y" }))))
          .status,
      ).toBe(204);
      expect(await task()).toBeNull();
      expect(lines.filter((line) => line["verdict"] === outcome)).toHaveLength(1);
      expect(JSON.stringify(lines)).not.toContain(signed.split(".")[1]);
    },
  );
});

describe("a watcher that is pushed to, on the port of its probes", () => {
  let world: World;
  let address: string;
  /** Objects that the watcher was notified of. */
  let heard: string[];
  const { metaData, add } = actions;
  const path = "data/x";

  beforeEach(async () => {
    heard = [];
    const origin = await run(
      "watcher",
      async (embedded, log) => {
        world = embedded;
        const place = placeOf({ ...settings, gcp });
        const pushed = pushedLake({ place, service: "watcher", log, keys: async () => keys });
        if (pushed === null) throw new Error("the settings let it pull");
        const lake: World["lake"] = {
          ...embedded.lake,
          notifications: () =>
            pushed.notifications.stream.pipe(tap(({ name }) => void heard.push(name))),
        };
        const close = async () => {
          await pushed.close();
          await embedded.close();
        };
        return { world: { ...embedded, lake, close }, push: pushed.push };
      },
      (ports, stop) => watcher({ ...ports, pace: { reconcileMs: 3_600_000, beatMs: 20 } }, stop),
    );
    address = `${origin}/push`;
    const tables = [
      { name: "data.x", external: true, partitionColumns: ["ds"], partitionFormat: "yyyy-MM-dd" },
    ];
    await writeCommit(world.lake, path, {
      version: 0,
      body: [metaData("x", "ds"), add("a", { ds: "2025-09-29" })],
    });
    await world.configs.write("plans/p.json", Buffer.from(JSON.stringify({ tables })));
    const body = { schema: 1, hash: "p", release: "r", at: 0 } as const;
    await world.store.commit({
      writes: [{ id: "plans/current", body, version: null }],
      checks: [],
    });
    await vi.waitFor(() => expect(told()).toHaveLength(1), 10_000);
  });

  /** What the watcher says that it published, but for ticks. */
  const told = () => lines.filter(({ message }) => `${String(message)}`.startsWith("published: "));

  /** The push that tells of a commit, as Cloud Storage and Pub/Sub make it. */
  async function news(version: number, day: string): Promise<string> {
    const name = commitObject(path, version);
    await writeCommit(world.lake, path, { version, body: [add(`p${version}`, { ds: day })] });
    const [object] = await world.lake.list(name);
    const { size, generation, updatedAt } = object ?? { size: 0, generation: 0, updatedAt: 0 };
    const resource = { name, size, generation, timeCreated: new Date(updatedAt).toISOString() };
    return push(JSON.stringify(resource), {
      eventType: "OBJECT_FINALIZE",
      bucketId: "acme-lake",
      objectId: name,
      objectGeneration: `${generation}`,
    });
  }

  test("a commit that is pushed is published, in a trace of its own", async () => {
    expect((await post(address, await news(1, "2025-09-30"))).status).toBe(204);
    expect(heard).toEqual([commitObject(path, 1)]);
    await vi.waitFor(() => expect(told()).toHaveLength(2), 10_000);
    expect(told()[1]).toMatchObject({
      message: "published: data.x@2025-09-30 landed",
      "logging.googleapis.com/trace": expect.stringMatching(
        /^projects\/acme\/traces\/[\da-f]{32}$/,
      ),
    });
    expect(told()[1]?.["logging.googleapis.com/trace"]).not.toBe(
      told()[0]?.["logging.googleapis.com/trace"],
    );
  });

  test.each(wrong)(
    "answers %i to a wrong token, and hears nothing of it",
    async (status, signed) => {
      const first = await news(1, "2025-09-30");
      const answer = await post(address, first, signed);
      expect(answer.status).toBe(status);
      expect(answer.headers.get("www-authenticate")).toBe(status === 401 ? "Bearer" : null);
      expect(heard).toEqual([]);
      expect((await post(address, first)).status).toBe(204);
      expect(heard).toEqual([commitObject(path, 1)]);
      expect(JSON.stringify(lines)).not.toContain(signed.split(".")[1]);
    },
  );

  test("nothing else is taken: another method, or what is told to end", async () => {
    expect((await fetch(address)).status).toBe(405);
    const last = await news(1, "2025-09-30");
    running?.stop.next();
    await running?.done;
    await expect(post(address, last)).rejects.toThrow("fetch failed");
    expect(heard).toEqual([]);
  });
});
