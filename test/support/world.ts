import { type Decided, decide } from "../../core/decide.ts";
import { type Deciding, noLanes } from "../../core/deciding.ts";
import { draftOver, type Known, Unread } from "../../core/draft.ts";
import { landingsTold, mergeLandings, type Seen } from "../../core/facts.ts";
import { violations } from "../../core/invariants.ts";
import { type Block, turnsOver } from "../../core/lanes.ts";
import type { PlanIndex } from "../../core/plan-index.ts";
import { isLive } from "../../core/status.ts";
import type { Nudge } from "../../core/work.ts";
import type { ConsistencyDocument } from "../../schemas/consistency.ts";
import type { DocumentId, DocumentOf } from "../../schemas/documents.ts";
import type { JobSettled, OutputSeen } from "../../schemas/events.ts";
import type { EpochMs } from "../../schemas/ids.ts";
import type { Landing } from "../../schemas/landings.ts";
import { Settings } from "../../schemas/settings.ts";
import type { Task } from "../../schemas/tasks.ts";

/** 2025-10-02T12:00:00Z: late September is over. */
export const noon: EpochMs = Date.parse("2025-10-02T12:00:00Z");

/** The core alone on documents in memory: facts go in, decisions are applied, jobs are a list. */
export function world(
  released: PlanIndex,
  settings: Partial<Settings> = {},
  { start = noon, lanes = noLanes }: { start?: EpochMs; lanes?: Deciding["lanes"] } = {},
) {
  let plan = released;
  const parsed = Settings.parse(settings);
  const documents = new Map<DocumentId, { version: string; body: DocumentOf<DocumentId> }>();
  let writes = 0;
  let now = start;
  let version = 0;
  let held: ReadonlyMap<string, Block> = new Map();
  const launched: Task[] = [];
  const cancelled: string[] = [];

  const read = (id: DocumentId): Known => documents.get(id) ?? { version: null, body: null };
  const apply = (changes: Decided["changes"]) => {
    for (const { id, body, version: base } of changes.writes) {
      if ((documents.get(id)?.version ?? null) !== base) throw new Error(`stale write of ${id}`);
      documents.set(id, { version: String(++version), body });
      writes += 1;
    }
  };
  const set = (id: DocumentId, body: DocumentOf<DocumentId>) =>
    documents.set(id, { version: String(++version), body });
  set("plans/current", { schema: 1, hash: plan.plan.hash, release: "r", at: start });

  const nudge = (...nudges: Nudge[]): Decided => {
    const known = new Map<DocumentId, Known>();
    for (;;) {
      const about = { plan, settings: parsed, now, by: "test", lanes };
      const turns = turnsOver(held);
      const decision = decide({ ...about, draft: draftOver(known), turns }, nudges);
      if (decision.kind === "plan-changed") throw new Error("plan changed");
      if (decision.kind === "unread") {
        for (const id of decision.ids) known.set(id, read(id));
        continue;
      }
      apply(decision.changes);
      held = turns.held();
      launched.push(...decision.launches);
      cancelled.push(
        ...decision.cancels.flatMap(({ state }) => (isLive(state) ? [state.jobId] : [])),
      );
      return decision;
    }
  };

  /** Answers a question the core can answer from the documents there are. */
  const ask = <T>(question: (deciding: Deciding) => T): T => {
    const known = new Map<DocumentId, Known>();
    for (;;) {
      const about = { plan, settings: parsed, now, by: "test", lanes };
      try {
        return question({ ...about, draft: draftOver(known), turns: turnsOver(held) });
      } catch (cause) {
        if (!(cause instanceof Unread)) throw cause;
        for (const id of cause.ids) known.set(id, read(id));
      }
    }
  };

  const facts = (told: readonly Seen[]) => {
    const known = new Map<DocumentId, Known>();
    for (;;) {
      const draft = draftOver(known);
      try {
        mergeLandings(draft, told);
        return apply(draft.changes());
      } catch (cause) {
        if (!(cause instanceof Unread)) throw cause;
        for (const id of cause.ids) known.set(id, read(id));
      }
    }
  };

  const fact = (table: string, partition: string, seen: Landing) =>
    facts([{ table, partition, landing: seen, backlog: false }]);

  const landing = (n: number, more: Partial<Landing> = {}): Landing => ({
    state: "landed",
    version: { epoch: 0, n },
    at: now,
    seenBy: "delta",
    ...more,
  });

  const task = (id: string): Task | null => read(`tasks/${id}`).body as Task | null;

  type Attempt = Pick<JobSettled, "task" | "run" | "attempt" | "jobId">;

  /** An outcome is told, of whatever attempt; all went well unless told otherwise. */
  const hear = (
    attempt: Attempt,
    outputs: readonly OutputSeen[],
    more: Partial<JobSettled> = {},
  ): Decided => {
    const event: JobSettled = {
      kind: "job-settled",
      schema: 1,
      ...attempt,
      outcome: "succeeded",
      blame: "job",
      startedAt: now,
      endedAt: now,
      error: null,
      log: null,
      outputs: [...outputs],
      ...more,
    };
    facts(landingsTold(plan, [event]));
    return nudge({ kind: "settled", event });
  };

  const settle = (id: string, { outputs = [], ...more }: Partial<JobSettled> = {}): Decided => {
    const state = task(id)?.state;
    if (state === undefined || !isLive(state)) throw new Error(`${id} is not live`);
    const { run, attempt, jobId } = state;
    return hear({ task: id, run, attempt, jobId }, outputs, more);
  };

  return {
    nudge,
    ask,
    task,
    launched,
    cancelled,
    settle,
    hear,
    landing,
    /** Another plan decides from now on. */
    usePlan(next: PlanIndex) {
      plan = next;
    },
    writes: () => writes,
    now: () => now,
    pass(ms: number) {
      now += ms;
    },
    /** Ids of tasks whose `wakeAt` has come. */
    due: (): string[] =>
      [...documents.entries()].flatMap(([id, { body }]) => {
        if (!id.startsWith("tasks/")) return [];
        const { wakeAt } = body as Task;
        return wakeAt !== null && wakeAt <= now ? [id.slice("tasks/".length)] : [];
      }),
    tasks: (): Task[] =>
      [...documents.entries()].flatMap(([id, { body }]) =>
        id.startsWith("tasks/") ? [body as Task] : [],
      ),
    violations: () => violations(new Map([...documents].map(([id, { body }]) => [id, body]))),
    /** What a consistency check found is written, as the dispatcher does beside its decisions. */
    publish: (found: ConsistencyDocument) =>
      set(`consistency/${found.join}@${found.partition}`, found),
    /** What is written beside decisions, or by others. */
    put: <Id extends DocumentId>(id: Id, body: DocumentOf<Id>): void => void set(id, body),
    /** Documents, for looking at. */
    document: (id: DocumentId) => read(id).body,
    /** A partition lands at version `n`, and what it concerns is looked at. */
    land(table: string, partition: string, n = 1) {
      fact(table, partition, landing(n));
      return nudge({ kind: "landed", table, partition });
    },
    fact,
    /** The job of a task ends well, having written its output at version `n`. */
    succeed(id: string, n = 1): Decided {
      const own = task(id);
      const output = own === null ? undefined : plan.step(own.step)?.output;
      const outputs: OutputSeen[] =
        output === undefined || own === null
          ? []
          : [{ table: output, partition: own.start, landing: landing(n) }];
      return settle(id, { outputs });
    },
    fail: (id: string, error = "exit code 1") => settle(id, { outcome: "failed", error }),
    wake: (id: string, submitted: string | null = null) =>
      nudge({ kind: "woken", task: id, submitted }),
    state: (id: string) => task(id)?.state.kind ?? null,
    why: (id: string) => task(id)?.why ?? "",
    launchedIds: () => launched.map(({ id }) => id),
  };
}
