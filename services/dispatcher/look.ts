import { type Decided, decide } from "../../core/decide.ts";
import { draftOver } from "../../core/draft.ts";
import { type Block, turnsOver } from "../../core/lanes.ts";
import { limitOf } from "../../core/pool-limits.ts";
import type { Nudge } from "../../core/work.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { JobRunner } from "../../ports/job-runner.ts";
import type { Settings } from "../../schemas/settings.ts";
import { type Proposal, untilCommitted } from "./committing.ts";
import type { Storing } from "./facts.ts";
import { lanesFor } from "./lanes.ts";
import type { Plans } from "./plans.ts";

export interface Looking extends Storing {
  readonly settings: Settings;
  /** The name this dispatcher claims under. */
  readonly by: string;
  readonly plans: Plans;
  /** Limits on submissions. */
  readonly runner: Pick<JobRunner, "lanes">;
  /** Turns of lanes that this dispatcher took ahead. */
  turns: ReadonlyMap<string, Block>;
}

/**
 * Looks at everything the nudges concern, and commits what is decided, page by page. Yields each
 * page's decision after its commit was acknowledged: only then may it be carried out.
 */
export async function* look(looking: Looking, nudges: readonly Nudge[]): AsyncGenerator<Decided> {
  let rest = nudges;
  let together = nudges.length;
  while (rest.length > 0) {
    let decided: Decided;
    try {
      const { decision, turns, of } = await untilCommitted(looking, (conflicts) =>
        decideOn(looking, rest.slice(0, fewer(together, conflicts))),
      );
      decided = { ...decision, rest: [...decision.rest, ...rest.slice(of)] };
      looking.turns = turns;
      together = 2 * of;
    } catch (cause) {
      if (cause instanceof RetryableError || (rest.length === 1 && isOfEvent(rest[0]))) throw cause;
      return yield* lookAtEach(looking, rest, cause);
    }
    yield decided;
    rest = [...decided.rest, ...(await queuedFor(looking, decided.freed))];
  }
}

/** Nudges that are looked at together, however often their commit was refused. */
const togetherMin = 8;

function fewer(together: number, conflicts: number): number {
  return Math.max(togetherMin, Math.ceil(together / 2 ** conflicts));
}

/**
 * One document that cannot be read, or a bug one task meets, must not hold up the others: each nudge
 * is looked at alone. One that fails alone is the event's fault, if an event brought it; else it is
 * told and left until it is woken again.
 */
async function* lookAtEach(
  looking: Looking,
  nudges: readonly Nudge[],
  cause: unknown,
): AsyncGenerator<Decided> {
  const [only] = nudges;
  if (nudges.length > 1 || only === undefined) {
    for (const nudge of nudges) yield* look(looking, [nudge]);
    return;
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  looking.log.error({ nudge: only, reason }, "a task could not be looked at");
}

function isOfEvent(nudge: Nudge | undefined): boolean {
  return nudge?.kind === "settled" || nudge?.kind === "command" || nudge?.kind === "landed";
}

/** A decision, and the turns that are held once it is committed. */
interface Looked {
  readonly decision: Decided;
  readonly turns: ReadonlyMap<string, Block>;
  /** How many nudges it was made of. */
  readonly of: number;
}

async function decideOn(
  looking: Looking,
  nudges: readonly Nudge[],
): Promise<Proposal<Looked> | "again"> {
  const plan = looking.plans.current() ?? (await looking.plans.refresh());
  if (plan === null) throw new RetryableError("no plan is released yet");
  const { documents, settings, clock, by, runner } = looking;
  const draft = draftOver(documents.known);
  const lanes = lanesFor(runner);
  const turns = turnsOver(looking.turns);
  const deciding = { plan, settings, draft, now: clock.now(), by, lanes, turns };
  const decision = decide(deciding, nudges);
  switch (decision.kind) {
    case "decided":
      return {
        changes: decision.changes,
        result: { decision, turns: turns.held(), of: nudges.length },
      };
    case "unread":
      await documents.read(decision.ids);
      return "again";
    case "plan-changed":
      await documents.read(["plans/current"]);
      await looking.plans.refresh();
      return "again";
  }
}

/** Tasks that wait for a slot of pools that have room again. */
async function queuedFor(looking: Looking, pools: readonly string[]): Promise<Nudge[]> {
  const nudges: Nudge[] = [];
  for (const pool of pools) {
    for (const task of await looking.store.queuedTasks(pool, await wanted(looking, pool))) {
      nudges.push({ kind: "concern", task });
    }
  }
  return nudges;
}

/** Some of those who wait may need another pool that is full, too: asking once more costs a query. */
const spareMax = 2;

/** How many of those who wait for a pool are worth a look: as many as it has room for, and a few. */
async function wanted(looking: Looking, pool: string): Promise<number> {
  const { settings, plans, documents } = looking;
  const limit = limitOf(settings, pool, (id) => plans.current()?.step(id));
  if (limit <= 1 + spareMax) return limit;
  await documents.read([`pools/${pool}`]);
  const body = documents.known.get(`pools/${pool}`)?.body ?? null;
  const held = body !== null && "holders" in body ? Object.keys(body.holders).length : 0;
  return Math.max(0, Math.min(limit, limit - held + spareMax));
}
