import type { TaskStore } from "../../ports/task-store.ts";
import type { DocumentId } from "../../schemas/documents.ts";

/** When each document was written, through a store that is otherwise as it was. */
export function countingWrites(store: TaskStore, now: () => number) {
  const writes = new Map<DocumentId, number[]>();
  const counting: TaskStore = {
    ...store,
    async commit(commit) {
      const answer = await store.commit(commit);
      if (answer.kind === "committed") {
        for (const { id } of commit.writes) writes.set(id, [...(writes.get(id) ?? []), now()]);
      }
      return answer;
    },
  };
  return { store: counting, writes };
}

/** The most writes within any `windowMs`. */
export function mostWithin(writtenAt: readonly number[], windowMs: number): number {
  let most = 0;
  let first = 0;
  for (const [last, at] of writtenAt.entries()) {
    while (at - (writtenAt[first] ?? at) >= windowMs) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
