import { expect } from "vitest";
import type { EndedTasks, TaskCursor, TaskStore } from "../../ports/task-store.ts";
import { parseTaskId } from "../../schemas/ids.ts";
import { attempt, pool, task } from "../support/documents.ts";
import { put, putAll } from "../support/task-stores.ts";
import type { Contract } from "./contract.ts";

const a = "pools/a";

/** Queries: what they find, in which order, and how much. */
export function queriesAsPromised(it: Contract<TaskStore>): void {
  it("answers due tasks, the most overdue first, as far as asked", async (open) => {
    const store = await open();
    const wakes: [string, number | null][] = [
      ["risk.a/upload@2025-09-01", 30],
      ["risk.a/upload@2025-09-02", 10],
      ["risk.a/upload@2025-09-03", null],
      ["risk.a/upload@2025-09-04", 20],
      ["risk.a/upload@2025-09-05", 31],
      ["risk.a/upload@2025-09-06", -5],
    ];
    await putAll(
      store,
      ...wakes.map(([id, wakeAt]) => [`tasks/${id}`, task(id, { wakeAt })] as const),
    );
    await put(store, "tasks/risk.a/upload@2025-09-06", null);
    const days = async (now: number, limit: number) =>
      (await store.dueTasks(now, limit)).map((id) => Number(id.slice(-2)));
    expect(await days(30, 10)).toEqual([2, 4, 1]);
    expect(await days(30, 2)).toEqual([2, 4]);
    expect(await days(9, 10)).toEqual([]);
    expect(await days(30, 0)).toEqual([]);
    await put(store, "tasks/risk.a/upload@2025-09-02", task("risk.a/upload@2025-09-02"));
    expect(await days(100, 10)).toEqual([4, 1, 5]);
  });

  it("answers tasks queued for a pool, longest ready first, as far as asked", async (open) => {
    const store = await open();
    const queue = async (id: string, queuedFor: string | null, since: number) => {
      const state = { kind: "ready", since, because: null } as const;
      await put(store, `tasks/${id}`, task(id, { state, queuedFor }));
    };
    await queue("risk.a/upload@2025-09-01", "upload", 30);
    await queue("risk.a/upload@2025-09-02", "upload", 10);
    await queue("risk.a/upload@2025-09-03", "backfill", 5);
    await queue("risk.a/upload@2025-09-04", "upload", 20);
    await queue("risk.a/upload@2025-09-05", null, 1);
    const days = async (pool: string, limit: number) =>
      (await store.queuedTasks(pool, limit)).map((id) => Number(id.slice(-2)));
    expect(await days("upload", 10)).toEqual([2, 4, 1]);
    expect(await days("upload", 1)).toEqual([2]);
    expect(await days("nobody", 10)).toEqual([]);
    expect(await days("__proto__", 10)).toEqual([]);
    await put(store, "tasks/risk.a/upload@2025-09-02", task("risk.a/upload@2025-09-02"));
    expect(await days("upload", 10)).toEqual([4, 1]);
  });

  it("lists tasks, newest partition first, by step and state, as far as asked", async (open) => {
    const store = await open();
    const done = { kind: "succeeded", run: 1, at: 1, remark: null } as const;
    const tasks = [
      task("risk.a/upload@2025-09-01", { state: done }),
      task("risk.a/upload@2025-09-03"),
      task("risk.b/upload@2025-09-02", { state: done }),
      task("risk.a/upload@2025-09-02..2025-09-20", { state: done }),
    ];
    await putAll(store, ...tasks.map((one) => [`tasks/${one.id}`, one] as const), [a, pool("a")]);
    const list = async (filter: Parameters<TaskStore["listTasks"]>[0]) =>
      (await store.listTasks(filter)).map(({ id }) => id);
    const all = await list({ limit: 10 });
    expect(all.map((id) => parseTaskId(id).range.start)).toEqual([
      "2025-09-03",
      "2025-09-02",
      "2025-09-02",
      "2025-09-01",
    ]);
    expect(await list({ limit: 1 })).toEqual(all.slice(0, 1));
    expect(await list({ step: "risk.b/upload", limit: 10 })).toEqual(["risk.b/upload@2025-09-02"]);
    expect(await list({ state: "waiting", limit: 10 })).toEqual(["risk.a/upload@2025-09-03"]);
    expect(await list({ state: "succeeded", step: "risk.a/upload", limit: 10 })).toEqual([
      "risk.a/upload@2025-09-02..2025-09-20",
      "risk.a/upload@2025-09-01",
    ]);
    expect(await list({ state: "failed", limit: 10 })).toEqual([]);
    expect(await store.listTasks({ limit: 10, state: "waiting" })).toEqual([tasks[1]]);
  });

  it("answers tasks with a finished attempt as their last write left them, and leaves none out", async (open) => {
    const store = await open();
    const ended = (id: string, endedAt: number | null) =>
      task(id, {
        why: `ended at ${endedAt}`,
        runs: [{ run: 1, because: "", at: 1, attempts: [attempt({ endedAt })] }],
      });
    const ids = Array.from({ length: 7 }, (_, day) => `risk.a/upload@2025-09-0${day + 1}`);
    await putAll(store, ...ids.map((id) => [`tasks/${id}`, ended(id, null)] as const));
    const seen = new Map<string, string>();
    let cursor: TaskCursor | null = null;
    const look = async () => {
      for (let more = true; more; ) {
        const page: EndedTasks = await store.endedTasks(cursor, 2);
        for (const { id, why } of page.tasks) seen.set(id, why);
        ({ cursor, more } = page);
      }
    };
    await look();
    expect([seen.size, cursor]).toEqual([0, null]);
    for (const id of ids) await put(store, `tasks/${id}`, ended(id, 1));
    await look();
    expect([...seen.keys()]).toEqual(ids);
    const [first = "", second = ""] = ids;
    await put(store, `tasks/${first}`, ended(first, 2));
    await put(store, `tasks/${second}`, null);
    seen.clear();
    await look();
    expect(seen.get(first)).toBe("ended at 2");
    expect(seen.has(second)).toBe(false);
    expect((await store.endedTasks(null, 100)).tasks).toHaveLength(6);
  });

  it("refuses a limit that is none", async (open) => {
    const store = await open();
    for (const limit of [-1, 1.5, Number.NaN, Infinity]) {
      await expect(store.dueTasks(1, limit)).rejects.toThrow("limit");
      await expect(store.queuedTasks("p", limit)).rejects.toThrow("limit");
      await expect(store.listTasks({ limit })).rejects.toThrow("limit");
    }
  });

  it("keeps ids of any character through queries", async (open) => {
    const store = await open();
    const steps = ["__proto__/upload", "n\u0000ul/upload", "lone \ud800/upload", "🚀'\"\\/upload"];
    for (const step of steps) {
      const id = `${step}@2025-09-30`;
      const state = { kind: "ready", since: 1, because: null } as const;
      await put(store, `tasks/${id}`, task(id, { state, wakeAt: 1, queuedFor: step }));
      expect(await store.queuedTasks(step, 9)).toEqual([id]);
      expect((await store.listTasks({ step, limit: 9 })).map((one) => one.id)).toEqual([id]);
    }
    const ids = steps.map((step) => `${step}@2025-09-30`);
    expect((await store.dueTasks(1, 9)).toSorted()).toEqual(ids.toSorted());
  });
}
