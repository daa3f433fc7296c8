import type { Settings } from "../schemas/settings.ts";
import type { StepPolicy } from "../schemas/step-policy.ts";
import { own } from "./own.ts";

/** What a policy depends on: a step, or a task of one. */
export interface Governed {
  readonly team: string;
  readonly mode: string;
}

type Blame = "job" | "infrastructure";

/** How tasks are tried again, ended and queued. */
export interface Policy {
  /** By whose fault a failure is. */
  readonly retries: Readonly<Record<Blame, { readonly max: number; readonly delayMs: number }>>;
  readonly timeoutMs: number;
  readonly giveUpHours: number | null;
  readonly maxActiveRuns: number | null;
  readonly headStartMs: number;
}

/** Policies of settings, by mode and team: every task that is looked at asks for its own several times. */
const known = new WeakMap<Settings, Map<string, Policy>>();

/**
 * The policy of a step, each part as the nearest says that says anything of it: its team for its mode,
 * its team, its mode, all.
 */
export function policyOf(settings: Settings, governed: Governed): Policy {
  const policies = known.get(settings) ?? new Map<string, Policy>();
  known.set(settings, policies);
  const key = `${governed.mode} ${governed.team}`;
  const policy = policies.get(key) ?? policyIn(settings, governed);
  policies.set(key, policy);
  return policy;
}

function policyIn(settings: Settings, { team, mode }: Governed): Policy {
  const ofTeam = own(settings.teams, team);
  const layers: readonly (StepPolicy | undefined)[] = [
    own(ofTeam?.modes ?? {}, mode),
    ofTeam,
    own(settings.modes, mode),
  ];
  const nearest = <T>(said: (layer: StepPolicy) => T | undefined, otherwise: T): T => {
    for (const layer of layers) {
      const found = layer === undefined ? undefined : said(layer);
      // Null is something that may be said: that there is no such limit.
      if (found !== undefined) return found;
    }
    return otherwise;
  };
  const retries = (blame: Blame) => ({
    max: nearest(({ retries: of }) => of?.[blame]?.max, settings.retries[blame].max),
    delayMs: nearest(({ retries: of }) => of?.[blame]?.delayMs, settings.retries[blame].delayMs),
  });
  return {
    retries: { job: retries("job"), infrastructure: retries("infrastructure") },
    timeoutMs: nearest((one) => one.timeoutMs, settings.timeoutMs),
    giveUpHours: nearest((one) => one.giveUpHours, settings.giveUpHours),
    maxActiveRuns: nearest((one) => one.maxActiveRuns, settings.maxActiveRuns),
    headStartMs: nearest((one) => one.headStartMs, settings.headStartMs),
  };
}
