import { type Changes, Unread } from "../../core/draft.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { Documents } from "./documents.ts";

export interface Committing {
  readonly store: TaskStore;
  readonly documents: Documents;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is to be committed, and what it comes to. */
export interface Proposal<R> {
  readonly changes: Changes;
  readonly result: R;
}

/**
 * Proposes and commits until a proposal's checks held. After a conflict what was looked at is read again
 * together, after a pause that grows with jitter, so that two dispatchers do not dance. `propose` is
 * told how often there was one: of two large commits one is nearly always refused, of two small ones seldom.
 */
export async function untilCommitted<R>(
  { store, documents, clock, log }: Committing,
  propose: (conflicts: number) => Promise<Proposal<R> | "again"> | Proposal<R>,
): Promise<R> {
  for (let conflicts = 0; ; ) {
    let proposal: Proposal<R> | "again";
    try {
      proposal = await propose(conflicts);
    } catch (cause) {
      if (!(cause instanceof Unread)) throw cause;
      await documents.read(cause.ids);
      continue;
    }
    if (proposal === "again") continue;
    const { changes, result } = proposal;
    if (changes.writes.length === 0 && changes.checks.length === 0) return result;
    const answer = await store.commit(changes);
    if (answer.kind === "committed") {
      documents.committed(changes, answer.version);
      return result;
    }
    documents.forget(changes);
    conflicts += 1;
    if (conflicts > 3) log.warn({ conflicts, answer }, "commit did not hold, deciding again");
    await clock.pause(Math.min(1_000, 5 * 2 ** conflicts));
    await documents.read([...changes.writes, ...changes.checks].map(({ id }) => id));
  }
}
