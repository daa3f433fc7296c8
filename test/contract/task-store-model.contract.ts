import fc from "fast-check";
import { expect } from "vitest";
import type { Read, TaskStore, Write } from "../../ports/task-store.ts";
import type { DocumentId } from "../../schemas/documents.ts";
import type { Task } from "../../schemas/tasks.ts";
import { anyDocument } from "../support/documents.ts";
import type { Contract } from "./contract.ts";

/** Any history of commits ends as it would on a plain map. */
export function answersLikeAMap(it: Contract<TaskStore>): void {
  it("answers and holds what a plain map would, for any commits of two openings", async (open) => {
    const stores = [await open(), await open()] as const;
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyCommit, { maxLength: 12 }), async (commits) => {
        round += 1;
        await sameAsMap({ stores, commits, prefix: `${round}` });
      }),
      { numRuns: 40 },
    );
  }, 120_000);
}

/** Which version a write or check claims: what is there now, nothing, or something from before. */
const anyBasis = fc.constantFrom("current", "current", "current", "absent", "stale");

const anyCommit = fc.record({
  second: fc.boolean(),
  writes: fc.uniqueArray(
    fc.record({ document: anyDocument, deletes: fc.boolean(), basis: anyBasis }),
    { selector: ({ document }) => document.id, maxLength: 4 },
  ),
  checks: fc.uniqueArray(fc.record({ document: anyDocument, basis: anyBasis }), {
    selector: ({ document }) => document.id,
    maxLength: 3,
  }),
});
type AnyCommit = typeof anyCommit extends fc.Arbitrary<infer T> ? T : never;

interface Modelled {
  readonly stores: readonly [TaskStore, TaskStore];
  readonly commits: readonly AnyCommit[];
  /** Keeps the documents of one round apart from those of the rounds before. */
  readonly prefix: string;
}

async function sameAsMap({ stores, commits, prefix }: Modelled): Promise<void> {
  const model = new Map<DocumentId, Read>();
  const past = new Map<DocumentId, string[]>();
  const own = (id: DocumentId) => id.replace("/", `/${prefix} `) as DocumentId;
  const based = (id: DocumentId, basis: string) => {
    if (basis === "absent") return null;
    if (basis === "current") return model.get(id)?.version ?? null;
    return past.get(id)?.[0] ?? "no version at all";
  };
  for (const { second, ...commit } of commits) {
    const writes = commit.writes.map(({ document, deletes, basis }): Write => {
      const id = own(document.id);
      return { id, body: deletes ? null : document.body, version: based(id, basis) };
    });
    const written = new Set(writes.map(({ id }) => id));
    const checks = commit.checks
      .map(({ document, basis }) => ({ id: own(document.id), basis }))
      .filter(({ id }) => !written.has(id))
      .map(({ id, basis }) => ({ id, version: based(id, basis) }));
    const holds = [...writes, ...checks].every(
      ({ id, version }) => (model.get(id)?.version ?? null) === version,
    );
    const answer = await stores[second ? 1 : 0].commit({ writes, checks });
    expect(answer.kind).toBe(holds ? "committed" : "conflict");
    if (answer.kind !== "committed") continue;
    for (const { id, body } of writes) {
      past.set(id, [...(past.get(id) ?? []), answer.version]);
      if (body === null) model.delete(id);
      else model.set(id, { version: answer.version, body });
    }
    const other = await stores[second ? 0 : 1].read([...past.keys()]);
    for (const [id, read] of other) {
      expect(read).toEqual(model.get(id) ?? { version: null, body: null });
    }
  }
  await sameQueries(stores[0], model, prefix);
}

/** Queries know the tasks of all rounds; those of this one are told by their prefix. */
async function sameQueries(store: TaskStore, model: ReadonlyMap<DocumentId, Read>, prefix: string) {
  const tasks = [...model].flatMap(([id, { body }]) =>
    id.startsWith("tasks/") ? [{ id: id.slice("tasks/".length), ...facts(body as Task) }] : [],
  );
  const byId = new Map(tasks.map((one) => [one.id, one]));
  const own = (ids: readonly string[]) =>
    ids.filter((id) => id.startsWith(`${prefix} `)).map((id) => byId.get(id));
  const due = own(await store.dueTasks(3, 10_000));
  expect(due.toSorted(byName)).toEqual(
    tasks.filter(({ wakeAt }) => wakeAt !== null && wakeAt <= 3).toSorted(byName),
  );
  expect(due.map((one) => one?.wakeAt)).toEqual(
    due.map((one) => one?.wakeAt ?? 0).toSorted((one, other) => one - other),
  );
  const queued = own(await store.queuedTasks("__proto__", 10_000));
  expect(queued.toSorted(byName)).toEqual(
    tasks.filter(({ queuedFor }) => queuedFor === "__proto__").toSorted(byName),
  );
}

function facts({ wakeAt, queuedFor }: Task) {
  return { wakeAt, queuedFor };
}

type Named = { readonly id: string } | undefined;

function byName(one: Named, other: Named): number {
  return `${one?.id}` < `${other?.id}` ? -1 : 1;
}
