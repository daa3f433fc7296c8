import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { firstValueFrom, from, mergeMap, NEVER, type Observable, Subject, takeUntil } from "rxjs";
import { afterEach, expect, test, vi } from "vitest";
import { sqliteBus } from "../../adapters/embedded/bus.ts";
import { filesOf } from "../../adapters/embedded/open.ts";
import { openWorld } from "../../adapters/open.ts";
import { readSettings } from "../../adapters/read-settings.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { World } from "../../ports/world.ts";
import { type OpenedService, runService } from "../../services/run-service.ts";

const folder = mkdtempSync(join(tmpdir(), "landfall-service-"));
let ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending) await end();
  ending = [];
  rmSync(folder, { recursive: true, force: true });
});

type Pipeline = Parameters<typeof runService>[0]["pipeline"];

/** One service on an embedded world, whose store may be told to fail. */
async function service(pipeline: Pipeline, drainMs = 3_000) {
  const { settings } = readSettings({
    LANDFALL_DATA: join(folder, "data"),
    LANDFALL_LAKE: join(folder, "lake"),
    LANDFALL_PORT: "0",
    LANDFALL_DRAIN_MS: `${drainMs}`,
  });
  const lines: { readonly message: string; readonly port?: number }[] = [];
  const stop = new Subject<void>();
  let trouble: string | null = null;
  const opened = new Promise<OpenedService>((resolve) => {
    void openWorld(settings, { log: { info() {}, warn() {}, error() {} } }).then(resolve);
  });
  const store = (world: World): World["store"] => ({
    ...world.store,
    read: async (ids) => {
      if (trouble !== null) throw new RetryableError(trouble);
      return world.store.read(ids);
    },
  });
  const done = runService({
    name: "dispatcher",
    settings,
    needs: "bus.deliveries",
    stop,
    logTo: { write: (line) => void lines.push(JSON.parse(line)) },
    async open() {
      const { world, ...rest } = await opened;
      return { ...rest, world: { ...world, store: store(world) } };
    },
    pipeline,
  });
  const end = async () => {
    stop.next();
    await done;
  };
  ending.push(end);
  const port = await vi.waitFor(() => {
    const found = lines.find((line) => line.port !== undefined)?.port;
    if (found === undefined) throw new Error("it does not listen");
    return found;
  });
  return {
    lines,
    stop,
    done,
    end,
    world: (await opened).world,
    fail: (reason: string | null) => {
      trouble = reason;
    },
    async get(path: string) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      return `${answer.status} ${(await answer.text()).trim()}`;
    },
  };
}

const listening: Pipeline = (ports, stop) =>
  ports.bus.deliveries({ unackedMax: 10, leaseMs: 60_000 }).pipe(takeUntil(stop));

test("it is ready when it is subscribed and its world answers, and says why when it is not", async () => {
  const subscribed = new Subject<void>();
  const at = await service((ports, stop) =>
    from(firstValueFrom(subscribed)).pipe(
      mergeMap(() => listening(ports, stop) as Observable<unknown>),
    ),
  );
  expect(await at.get("/healthz")).toBe("200 alive");
  expect(await at.get("/readyz")).toBe("503 it is not subscribed to bus.deliveries");
  subscribed.next();
  await vi.waitFor(async () => expect(await at.get("/readyz")).toBe("200 ready"));
  at.fail("Firestore is away");
  await vi.waitFor(
    async () => expect(await at.get("/readyz")).toBe("503 Firestore is away"),
    5_000,
  );
  expect(await at.get("/healthz")).toBe("200 alive");
  at.fail(null);
  await vi.waitFor(async () => expect(await at.get("/readyz")).toBe("200 ready"), 5_000);
  expect(await at.get("/push")).toContain("404");
});

test("what it is ready without fails aside, and it stays ready", async () => {
  const told = new Subject<"lake" | "aside">();
  const failed: string[] = [];
  const at = await service((ports, stop) => {
    told.subscribe((which) => {
      const lake = which === "lake" ? ports.lake : ports.aside.lake;
      lake.write("../outside", new Uint8Array()).catch(() => failed.push(which));
    });
    return listening(ports, stop);
  });
  await vi.waitFor(async () => expect(await at.get("/readyz")).toBe("200 ready"));
  told.next("aside");
  await vi.waitFor(() => expect(failed).toEqual(["aside"]));
  expect(await at.get("/readyz")).toBe("200 ready");
  told.next("lake");
  await vi.waitFor(() => expect(failed).toHaveLength(2));
  expect(await at.get("/readyz")).toMatch(/^503 /);
});

test("told to end, it finishes what it took, is not ready meanwhile, and ends with 0", async () => {
  const work = new Subject<void>();
  const finished: string[] = [];
  const at = await service((ports, stop) =>
    (listening(ports, stop) as ReturnType<World["bus"]["deliveries"]>).pipe(
      mergeMap(async (delivery) => {
        await firstValueFrom(work);
        finished.push(delivery.id);
        delivery.ack();
      }),
    ),
  );
  await at.world.bus.publish([{ kind: "tick", schema: 1, at: 1 }]);
  await vi.waitFor(() => expect(work.observed).toBe(true));
  at.stop.next();
  await vi.waitFor(async () => expect(await at.get("/readyz")).toBe("503 it is ending"));
  work.next();
  expect(await at.done).toBe(0);
  expect(finished).toHaveLength(1);
});

test("work that does not end is given up in time, and what was not acked is delivered again", async () => {
  const at = await service(
    (ports, stop) =>
      (listening(ports, stop) as ReturnType<World["bus"]["deliveries"]>).pipe(
        mergeMap(() => NEVER),
      ),
    3_000,
  );
  await at.world.bus.publish([{ kind: "tick", schema: 1, at: 7 }]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const begun = performance.now();
  at.stop.next();
  expect(await at.done).toBe(0);
  expect(performance.now() - begun).toBeLessThan(3_500);
  expect(at.lines.map(({ message }) => message)).toContain(
    "dispatcher ends before all was finished; what is left comes again",
  );
  const next = sqliteBus({ file: filesOf(join(folder, "data")).bus });
  const again = next.deliveries({ unackedMax: 10, leaseMs: 60_000 });
  expect((await firstValueFrom(again)).event).toMatchObject({ kind: "tick", at: 7 });
  await next.close();
});

test("a service that cannot go on says why, and ends with 1", async () => {
  const at = await service(() => {
    throw new Error("no such thing");
  });
  expect(await at.done).toBe(1);
  expect(at.lines.at(-1)?.message).toBe("dispatcher cannot go on: no such thing");
});
