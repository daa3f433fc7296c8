import { expect } from "vitest";
import type { TaskStore, Write } from "../../ports/task-store.ts";
import type { DocumentId } from "../../schemas/documents.ts";
import { pool } from "../support/documents.ts";
import { get, put } from "../support/task-stores.ts";
import type { Contract } from "./contract.ts";

const a = "pools/a";
const b = "pools/b";
const c = "pools/c";

/** What was decided on something else than what is there is refused, whole. */
export function conflictsAsPromised(it: Contract<TaskStore>): void {
  for (const role of ["write", "check"] as const) {
    for (const [expected, found] of [
      ["absent", "present"],
      ["present", "absent"],
      ["stale", "present"],
      ["deleted", "absent"],
      ["deleted", "made anew"],
    ] as const) {
      it(`a ${role} that takes a document for ${expected} conflicts with ${found}, and nothing is written`, async (open) => {
        const [store, other] = [await open(), await open()];
        const first = await put(store, a, pool("a", 1));
        if (found === "absent") await put(other, a, null);
        if (found === "present") await put(other, a, pool("a", 2));
        if (found === "made anew") {
          await put(other, a, null);
          await put(other, a, pool("a", 1));
        }
        const before = await get(other, a);
        const version = expected === "absent" ? null : first;
        const skewed = { id: a, version } as const;
        const fine = { id: b, body: pool("b"), version: null } as const;
        const answer = await store.commit(
          role === "write"
            ? { writes: [fine, { ...skewed, body: pool("a", 3) }], checks: [] }
            : { writes: [fine], checks: [skewed] },
        );
        expect(answer).toEqual({ kind: "conflict" });
        expect(await get(store, a)).toEqual(before);
        expect(await get(store, b)).toEqual({ version: null, body: null });
      });
    }
  }

  it("of many racing for one document exactly one wins", async (open) => {
    const stores = [await open(), await open(), await open()];
    const answers = await Promise.all(
      Array.from({ length: 30 }, async (_, n) => {
        const store = stores[n % stores.length] ?? stores[0];
        const writes: Write[] = [
          { id: a, body: pool("a", n + 1), version: null },
          { id: `pools/won-by-${n}` as const, body: pool("w"), version: null },
        ];
        return store?.commit({ writes, checks: [] });
      }),
    );
    const winner = answers.findIndex((answer) => answer?.kind === "committed");
    expect(answers.filter((answer) => answer?.kind === "conflict")).toHaveLength(29);
    const left = await stores[0]?.read(answers.map((_, n): DocumentId => `pools/won-by-${n}`));
    const there = [...(left ?? [])].filter(([, { body }]) => body !== null);
    expect(there.map(([id]) => id)).toEqual([`pools/won-by-${winner}`]);
    expect((await get(await open(), a)).body).toEqual(pool("a", winner + 1));
  });

  it("of two that check what the other writes at most one is committed", async (open) => {
    const [store, other] = [await open(), await open()];
    for (let round = 0; round < 50; round += 1) {
      const versions = [(await get(store, a)).version, (await get(store, b)).version] as const;
      const answers = await Promise.all([
        store.commit({
          writes: [{ id: a, body: pool("a", round + 1), version: versions[0] }],
          checks: [{ id: b, version: versions[1] }],
        }),
        other.commit({
          writes: [{ id: b, body: pool("b", round + 1), version: versions[1] }],
          checks: [{ id: a, version: versions[0] }],
        }),
      ]);
      expect(answers.map(({ kind }) => kind).toSorted()).toEqual(["committed", "conflict"]);
    }
  });

  it("no reader sees half a commit", async (open) => {
    const [writer, reader] = [await open(), await open()];
    const ids = [a, b, c] as const;
    let stopped = false;
    const writing = (async () => {
      let version: string | null = null;
      for (let n = 1; n <= 200; n += 1) {
        const at = version;
        const writes = ids.map((id) => ({ id, body: pool(id, n), version: at }));
        const answer = await writer.commit({ writes, checks: [] });
        if (answer.kind !== "committed") throw new Error(answer.kind);
        version = answer.version;
        if (n % 10 === 0) await new Promise(setImmediate);
      }
      stopped = true;
    })();
    const seen = new Set<string | null>();
    while (!stopped) {
      const read = await reader.read(ids);
      const versions = new Set([...read.values()].map(({ version }) => version));
      expect(versions.size).toBe(1);
      for (const version of versions) seen.add(version);
      await new Promise(setImmediate);
    }
    await writing;
    expect(seen.size).toBeGreaterThan(1);
  });
}
