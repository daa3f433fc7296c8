import { describe, expect, test } from "vitest";
import type { Change, FirestoreDatabase } from "../../adapters/gcp/firestore-database.ts";
import { firestoreTaskStore, taskStoreOver } from "../../adapters/gcp/task-store.ts";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import { pool } from "../support/documents.ts";

/** Answers every call with this error, or with nothing. */
function answering(error: { code?: number; message: string } | null) {
  const commits: (readonly Change[])[] = [];
  const failing = async () => {
    if (error !== null) throw Object.assign(new Error(error.message), { code: error.code });
  };
  const database: FirestoreDatabase = {
    name: "Firestore database (default) of project p",
    async commit(changes) {
      commits.push(changes);
      await failing();
      return { seconds: "1795557684", nanos: 190_146_000 };
    },
    async read() {
      await failing();
      return { at: { seconds: 1, nanos: 0 }, found: [] };
    },
    async query() {
      await failing();
      return { at: { seconds: 1, nanos: 0 }, found: [] };
    },
    close: async () => {},
  };
  const slept: number[] = [];
  let now = 0;
  const store = taskStoreOver(database, {
    now: () => now,
    async sleep(delayMs) {
      slept.push(delayMs);
      now += delayMs;
    },
  });
  return { store, commits, slept };
}

const write = { id: "pools/a", body: pool("a"), version: null } as const;
const commit = { writes: [write], checks: [{ id: "pools/b", version: "12.000000034" }] } as const;

describe("what a commit answers when Firestore answers with", () => {
  for (const [code, message, kind] of [
    [5, "5 NOT_FOUND: No document to update: projects/p/…", "conflict"],
    [6, "6 ALREADY_EXISTS: entity already exists", "conflict"],
    [9, "9 FAILED_PRECONDITION: the stored version does not match", "conflict"],
    [10, "10 ABORTED: Too much contention on these documents", "conflict"],
    [4, "4 DEADLINE_EXCEEDED: Deadline exceeded", "unknown"],
    [14, "14 UNAVAILABLE: Connection dropped", "unknown"],
    [13, "13 INTERNAL: Received RST_STREAM", "unknown"],
    [1, "1 CANCELLED: Call cancelled", "unknown"],
    [2, "2 UNKNOWN: Stream removed", "unknown"],
  ] as const) {
    test(message, async () => {
      const { store, commits } = answering({ code, message });
      const answer = await store.commit(commit);
      expect(answer).toEqual(kind === "unknown" ? { kind, cause: message } : { kind });
      expect(commits).toHaveLength(1);
      expect(store.counters()).toMatchObject({
        commits: 0,
        conflicts: kind === "conflict" ? 1 : 0,
        documentsWritten: 0,
        documentsChecked: 1,
      });
    });
  }

  for (const [code, message, advice] of [
    [7, "7 PERMISSION_DENIED: Missing or insufficient permissions.", "roles/datastore.user"],
    [16, "16 UNAUTHENTICATED: Request had invalid credentials", "gcloud auth"],
    [5, "5 NOT_FOUND: The database (default) does not exist for project p", "create it"],
    [3, "3 INVALID_ARGUMENT: Document cannot be written, exceeds 1 MiB", "exceeds 1 MiB"],
    [undefined, "Could not load the default credentials.", "gcloud auth"],
  ] as const) {
    test(`${message} an operator is told what to do`, async () => {
      const { store } = answering(code === undefined ? { message } : { code, message });
      const committing = store.commit(commit);
      // Only what no operator can put right is final: all else must not put events aside.
      await expect(committing).rejects.toBeInstanceOf(code === 3 ? PermanentError : RetryableError);
      await expect(committing).rejects.toThrow(advice);
    });
  }

  test("RESOURCE_EXHAUSTED: nothing was written, later it may be", async () => {
    const { store } = answering({ code: 8, message: "8 RESOURCE_EXHAUSTED: Quota exceeded." });
    await expect(store.commit(commit)).rejects.toBeInstanceOf(RetryableError);
  });
});

test("a token that could not be fetched may be there later", async () => {
  const message = "16 UNAUTHENTICATED: Getting metadata from plugin failed with error: timeout";
  const { store } = answering({ code: 16, message });
  await expect(store.read(["pools/a"])).rejects.toBeInstanceOf(RetryableError);
  await expect(store.commit(commit)).rejects.toBeInstanceOf(RetryableError);
});

test("reads and queries without an answer may be tried again; a missing index may not", async () => {
  const away = answering({ code: 14, message: "14 UNAVAILABLE: No connection established" }).store;
  await expect(away.read(["pools/a"])).rejects.toBeInstanceOf(RetryableError);
  await expect(away.dueTasks(1, 1)).rejects.toBeInstanceOf(RetryableError);
  const proving = away.commit({ writes: [], checks: commit.checks });
  await expect(proving).rejects.toBeInstanceOf(RetryableError);
  const bare = answering({
    code: 9,
    message: "9 FAILED_PRECONDITION: The query requires an index",
  });
  await expect(bare.store.listTasks({ limit: 1 })).rejects.toThrow("firestore.indexes.json");
});

test("a commit is one request: writes by the version they were decided on, checks that write nothing", async () => {
  const { store, commits } = answering(null);
  const answer = await store.commit({
    writes: [write, { id: "pools/gone", body: null, version: "7.000000001" }],
    checks: [...commit.checks, { id: "pools/absent", version: null }],
  });
  expect(answer).toEqual({ kind: "committed", version: "1795557684.190146000" });
  expect(commits).toMatchObject([
    [
      { kind: "put", path: "pools/a", if: { exists: false } },
      { kind: "delete", path: "pools/gone", if: { updateTime: { seconds: "7", nanos: 1 } } },
      { kind: "unchanged", path: "pools/b", if: { updateTime: { seconds: "12", nanos: 34 } } },
      { kind: "unchanged", path: "pools/absent", if: { exists: false } },
    ],
  ]);
});

test("contended commits are spaced out", async () => {
  const { store, slept } = answering({ code: 10, message: "10 ABORTED: contention" });
  for (let n = 0; n < 5; n += 1) await store.commit(commit);
  expect(slept).toEqual([25, 50, 100, 200]);
});

test("where nobody listens, a read may be tried again at once, and a commit is in doubt", async () => {
  const store = firestoreTaskStore({ projectId: "p", emulator: "127.0.0.1:1" });
  const begunAt = performance.now();
  await expect(store.read(["pools/a"])).rejects.toBeInstanceOf(RetryableError);
  expect((await store.commit(commit)).kind).toBe("unknown");
  expect(performance.now() - begunAt).toBeLessThan(5_000);
  await store.close();
  await expect(store.read(["pools/a"])).rejects.toThrow("closed");
});
