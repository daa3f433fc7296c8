import type { Expectation, Held, Waiter } from "../../../core/alerts/expectation.ts";
import { expectations } from "../../../core/alerts/expectations.ts";
import type { Signal } from "../../../core/alerts/signals.ts";
import { draftOver } from "../../../core/draft.ts";
import type { PlanIndex } from "../../../core/plan-index.ts";
import type { TaskStore } from "../../../ports/task-store.ts";
import type { AlertDocument } from "../../../schemas/alerts.ts";
import type { EpochMs, StepId } from "../../../schemas/ids.ts";
import { readAll } from "../read.ts";
import type { AlertingPorts } from "./pipeline.ts";

interface Looked {
  readonly plan: PlanIndex;
  /** All alerts there are: what the open ones wait for is expected still. */
  readonly known: readonly AlertDocument[];
  readonly now: EpochMs;
}

/**
 * What should be so and is not, and somebody waits for. What is met, or not waited for, is not read
 * again; so is, of steps that must have succeeded once, that they did.
 */
export function unmetExpectations({ store, settings }: AlertingPorts) {
  let met = new Set<string>();
  const succeeded = new Set<StepId>();
  const begun = async ({ afterFirst }: Expectation): Promise<boolean> => {
    if (afterFirst === undefined || succeeded.has(afterFirst)) return true;
    const asked = { step: afterFirst, state: "succeeded", limit: 1 } as const;
    const found = (await store.listTasks(asked)).length > 0;
    if (found) succeeded.add(afterFirst);
    return found;
  };
  return async ({ plan, known, now }: Looked): Promise<readonly Signal[]> => {
    const held = known.flatMap(heldBy);
    const all = expectations({ plan, settings: settings.alerts, closing: settings, held, now });
    const open = all.filter(({ key }) => !met.has(key));
    const read = await readAll(store, [...new Set(open.flatMap(({ documents }) => documents))]);
    const view = draftOver(read);
    const unmet = await waitedFor(
      store,
      open.filter((one) => !one.met(view)),
    );
    const isUnmet = new Set(unmet.map(({ key }) => key));
    met = new Set(all.map(({ key }) => key).filter((key) => !isUnmet.has(key)));
    const signals: Signal[] = [];
    for (const one of unmet) if (await begun(one)) signals.push(one.signal(view));
    return signals;
  };
}

function heldBy({ state, team, awaited = [] }: AlertDocument): Held[] {
  return state === "open" ? awaited.map((day) => ({ ...day, team })) : [];
}

/**
 * Those that somebody waits for. One that waits is enough, and mostly the first does: one is asked
 * first, and then twice as many each time.
 */
async function waitedFor(
  store: TaskStore,
  unmet: readonly Expectation[],
): Promise<readonly Expectation[]> {
  const needless = new Set<Expectation>();
  let open = unmet.filter(({ waiters }) => waiters !== undefined);
  for (let from = 0, count = 1; open.length > 0; from += count, count *= 2) {
    const asked = ({ waiters = [] }: Expectation): readonly Waiter[] =>
      waiters.slice(from, from + count);
    const documents = open.flatMap((one) => asked(one).flatMap((waiter) => waiter.documents));
    const view = draftOver(await readAll(store, [...new Set(documents)]));
    for (const one of open) if (asked(one).length === 0) needless.add(one);
    open = open.filter((one) => {
      const some = asked(one);
      return some.length > 0 && !some.some(({ waits }) => waits(view));
    });
  }
  return unmet.filter((one) => !needless.has(one));
}
