import type { Observable } from "rxjs";
import {
  type Answer,
  type Due,
  dueNotices,
  toldNow,
  toldOf,
} from "../../../core/alerts/changes.ts";
import type { Notice } from "../../../ports/alerts.ts";
import { RetryableError } from "../../../ports/errors.ts";
import type { AlertDocument, Told } from "../../../schemas/alerts.ts";
import type { KeptAlert } from "./keep.ts";
import type { AlertingPorts } from "./pipeline.ts";

/** Tells routes what is due, and stores what came of it. */
export interface Teller {
  tell(kept: readonly KeptAlert[]): Promise<void>;
}

/** What routes are told with. */
export interface TellingPorts extends AlertingPorts {
  /** Who keeps a team's configs. */
  readonly maintainersOf: (team: string) => readonly string[];
}

/** In one look no route is told for longer: what is left is told at the next. */
const routeMsMax = 30_000;

interface Telling {
  readonly kept: KeptAlert;
  readonly due: Due;
}

interface Answered extends Telling {
  readonly answer: Answer;
}

/**
 * Routes are told at the same time, each one notice after the other; one that does not answer is
 * left alone until the next look. What was refused is not sent again by this process while the alert is
 * there: the settings are to be changed, and then it is another one.
 */
export function tellerOf(ports: TellingPorts, stop: Observable<unknown>): Teller {
  /** By alert: what a route refused of it. */
  const refused = new Map<string, Set<string>>();
  const said = new Set<string>();
  let stopped = false;
  stop.subscribe(() => {
    stopped = true;
  });
  const nameOf = ({ due }: Telling) => `${due.change} ${due.route}`;

  const tellRoute = async (route: readonly Telling[]): Promise<readonly Answered[]> => {
    const answered: Answered[] = [];
    const until = ports.clock.now() + routeMsMax;
    for (const [at, telling] of route.entries()) {
      if (stopped || ports.clock.now() > until) break;
      const answer = await answerTo(ports, telling);
      if (answer.kind === "refused") {
        const { key } = telling.kept.alert;
        refused.set(key, new Set([...(refused.get(key) ?? []), nameOf(telling)]));
        const { route: name } = telling.due;
        const line = `${name}: ${answer.reason}`;
        if (!said.has(line))
          ports.log.error({ route: name, reason: answer.reason }, refusedMessage);
        said.add(line);
      }
      if (answer.kind === "unanswered") {
        // None of what is due was sent: all of it waits for the same.
        answered.push(...route.slice(at).map((one) => ({ ...one, answer })));
        break;
      }
      answered.push({ ...telling, answer });
    }
    return answered;
  };

  return {
    async tell(kept) {
      const keys = new Set(kept.map(({ alert }) => alert.key));
      for (const key of refused.keys()) if (!keys.has(key)) refused.delete(key);
      const byRoute = new Map<string, Telling[]>();
      for (const one of kept) {
        for (const due of dueNotices(one.alert, ports.alerts.routesOf(one.alert.team))) {
          const telling = { kept: one, due };
          if (refused.get(one.alert.key)?.has(nameOf(telling))) continue;
          byRoute.set(due.route, [...(byRoute.get(due.route) ?? []), telling]);
        }
      }
      const answered = await Promise.all([...byRoute.values()].map(tellRoute));
      await record(ports, answered.flat());
    },
  };
}

const refusedMessage = "a route refuses an alert; it is kept, and not sent there again";

async function answerTo(ports: TellingPorts, { kept, due }: Telling): Promise<Answer> {
  const notice = noticeOf(kept.alert, due, {
    deployment: ports.settings.deployment,
    maintainers: ports.maintainersOf(kept.alert.team),
    at: ports.clock.now(),
  });
  try {
    await ports.alerts.send(due.route, notice);
    return { kind: "taken" };
  } catch (cause) {
    const { message: reason } = cause as Error;
    return { kind: cause instanceof RetryableError ? "unanswered" : "refused", reason };
  }
}

function noticeOf(
  alert: AlertDocument,
  { change }: Due,
  about: Pick<Notice, "deployment" | "maintainers" | "at">,
): Notice {
  const { key, kind, team, priority, summary, details, count, since } = alert;
  const alias = `${about.deployment}:${key}`;
  return { ...about, change, alias, kind, team, priority, summary, details, count, since };
}

/** Stores what routes took. When another tracker stored meanwhile, both told: the next look sees. */
async function record(ports: AlertingPorts, answered: readonly Answered[]): Promise<void> {
  const now = ports.clock.now();
  const changed = new Map<KeptAlert, AlertDocument>();
  for (const { kept, due, answer } of answered) {
    const alert = changed.get(kept) ?? kept.alert;
    const before = toldOf(alert, due.route);
    const told: Told = toldNow(before, answer, { change: due.change, count: alert.count, now });
    if (told === before) continue;
    changed.set(kept, { ...alert, routes: { ...alert.routes, [due.route]: told } });
  }
  if (changed.size === 0) return;
  const writes = [...changed].map(([{ version }, alert]) => ({
    id: `alerts/${alert.key}` as const,
    body: alert,
    version,
  }));
  await ports.store.commit({ writes, checks: [] });
}
