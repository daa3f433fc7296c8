import { expect } from "vitest";
import type { TaskStore, Write } from "../../ports/task-store.ts";
import type { DocumentId } from "../../schemas/documents.ts";
import { hostileNames, landings, pool, task } from "../support/documents.ts";
import { get, put } from "../support/task-stores.ts";
import type { Contract } from "./contract.ts";

const a = "pools/a";
const b = "pools/b";
const c = "pools/c";

/** What is committed is read, whole and by every opening. */
export function commitsAsPromised(it: Contract<TaskStore>): void {
  it("answers every id asked for, found or absent, once", async (open) => {
    const store = await open();
    const version = await put(store, a, pool("a"));
    const read = await store.read([b, a, a]);
    expect([...read]).toEqual([
      [b, { version: null, body: null }],
      [a, { version, body: pool("a") }],
    ]);
    expect([...(await store.read([]))]).toEqual([]);
  });

  it("commits all writes at the version it answers", async (open) => {
    const store = await open();
    const answer = await store.commit({
      writes: [
        { id: a, body: pool("a"), version: null },
        { id: "landings/data.events@2025-09", body: landings("data.events"), version: null },
      ],
      checks: [{ id: c, version: null }],
    });
    if (answer.kind !== "committed") throw new Error(answer.kind);
    const { version } = answer;
    const other = await open();
    expect(await get(other, a)).toEqual({ version, body: pool("a") });
    expect(await get(other, "landings/data.events@2025-09")).toEqual({
      version,
      body: landings("data.events"),
    });
  });

  it("gives every writing of a document another version, also after deleting it", async (open) => {
    const stores = [await open(), await open()];
    const versions = new Set<string>();
    for (let n = 0; n < 6; n += 1) {
      const [store = stores[0]] = stores.slice(n % 2);
      if (store === undefined) throw new Error("no store");
      versions.add(await put(store, a, pool("a")));
      if (n % 3 === 0) await put(store, a, null);
    }
    expect(versions.size).toBe(6);
  });

  it("a check of what is there as it was, or absent as it was, holds", async (open) => {
    const [store, other] = [await open(), await open()];
    const version = await put(other, a, pool("a"));
    const checks = [
      { id: a, version },
      { id: b, version: null },
    ] as const;
    const answer = await store.commit({
      writes: [{ id: c, body: pool("c"), version: null }],
      checks,
    });
    expect(answer.kind).toBe("committed");
    expect((await get(other, a)).version).toBe(version);
  });

  it("without writes, proves the checks and changes nothing", async (open) => {
    const store = await open();
    const version = await put(store, a, pool("a"));
    const proven = await store.commit({ writes: [], checks: [{ id: a, version }] });
    expect(proven.kind).toBe("committed");
    expect((await get(store, a)).version).toBe(version);
    const stale = { id: a, version: null } as const;
    expect(await store.commit({ writes: [], checks: [stale] })).toEqual({ kind: "conflict" });
    expect((await store.commit({ writes: [], checks: [] })).kind).toBe("committed");
  });

  it("deletes by version", async (open) => {
    const store = await open();
    const version = await put(store, a, pool("a"));
    const stale = { writes: [{ id: a, body: null, version: null }], checks: [] } as const;
    expect(await store.commit(stale)).toEqual({ kind: "conflict" });
    const answer = await store.commit({ writes: [{ id: a, body: null, version }], checks: [] });
    expect(answer.kind).toBe("committed");
    expect(await get(store, a)).toEqual({ version: null, body: null });
  });

  it("refuses a document named twice in one commit", async (open) => {
    const store = await open();
    const write = { id: a, body: pool("a"), version: null } as const;
    const check = { id: a, version: null } as const;
    for (const commit of [
      { writes: [write], checks: [check] },
      { writes: [write, write], checks: [] },
      { writes: [], checks: [check, check] },
    ]) {
      await expect(store.commit(commit)).rejects.toThrow("pools/a twice");
    }
    expect(await get(store, a)).toEqual({ version: null, body: null });
  });

  it("refuses an unknown collection", async (open) => {
    const store = await open();
    for (const id of ["pool/a", "constructor/a", "pools"] as unknown as DocumentId[]) {
      await expect(store.read([id])).rejects.toThrow("no collection is called");
      const write = { id, body: pool("a"), version: null };
      await expect(store.commit({ writes: [write], checks: [] })).rejects.toThrow(
        "no collection is called",
      );
    }
  });

  it("takes 500 documents in a commit, and refuses more", async (open) => {
    const store = await open();
    const writes = Array.from({ length: 400 }, (_, n) => ({
      id: `pools/${n}` as const,
      body: pool(`${n}`),
      version: null,
    }));
    const checks = Array.from({ length: 101 }, (_, n) => ({
      id: `pools/absent${n}` as const,
      version: null,
    }));
    await expect(store.commit({ writes, checks })).rejects.toThrow("at most 500");
    const answer = await store.commit({ writes, checks: checks.slice(1) });
    expect(answer.kind).toBe("committed");
    const read = await store.read(writes.map(({ id }) => id));
    expect([...read.values()].map(({ body }) => body)).toEqual(writes.map(({ body }) => body));
  });

  it("keeps documents of any id apart", async (open) => {
    const store = await open();
    const ids = hostileNames.flatMap((one): DocumentId[] => [`tasks/${one}`, `pools/${one}`]);
    const writes = ids.map(
      (id, n): Write => ({
        id,
        body: id.startsWith("pools/")
          ? pool(id, n + 1)
          : task("risk.a/upload@2025-09-30", { why: `${n} ${id}` }),
        version: null,
      }),
    );
    expect((await store.commit({ writes, checks: [] })).kind).toBe("committed");
    const read = await (await open()).read(ids);
    expect([...read].map(([id, { body }]) => ({ id, body, version: null }))).toEqual(writes);
    const due = await store.dueTasks(Number.MAX_SAFE_INTEGER, 100);
    expect(due).toEqual([]);
  });

  it("what was committed is there for every later opening", async (open) => {
    const first = await open();
    const version = await put(first, a, pool("a"));
    await first.close();
    expect(await get(await open(), a)).toEqual({ version, body: pool("a") });
  });

  it("counts documents read, written and checked, commits and conflicts", async (open) => {
    const store = await open();
    const none = {
      documentsRead: 0,
      documentsWritten: 0,
      documentsChecked: 0,
      commits: 0,
      conflicts: 0,
    };
    const before = store.counters();
    expect(before).toEqual(none);
    const id = "tasks/risk.a/upload@2025-09-01";
    const write = {
      id,
      body: task("risk.a/upload@2025-09-01", { wakeAt: 1 }),
      version: null,
    } as const;
    const checks = ([a, b] as const).map((one) => ({ id: one, version: null }));
    await store.commit({ writes: [write], checks });
    await store.commit({ writes: [write], checks: [] });
    await store.read([id, a, a]);
    await store.dueTasks(1, 10);
    await store.listTasks({ limit: 10 });
    expect(store.counters()).toEqual({
      documentsRead: 4,
      documentsWritten: 1,
      documentsChecked: 2,
      commits: 1,
      conflicts: 1,
    });
    expect(before).toEqual(none);
  });
}
