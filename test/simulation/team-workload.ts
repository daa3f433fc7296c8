import { randomOf } from "../../adapters/simulated/random.ts";
import { Settings } from "../../schemas/settings.ts";
import type { StepPolicy } from "../../schemas/step-policy.ts";
import type { ConfigNode } from "./configs.ts";

/** The teams that workloads' configs belong to. */
export const teams = ["t", "u"] as const;

/** What operators say of teams and modes. Drawn apart, so that all else of the seed is as it was. */
export function withTeams(seed: number, settings: Settings): Settings {
  const random = randomOf(seed, "teams");
  if (random.chance(0.6)) return settings;
  const policy = (): StepPolicy => ({
    ...(random.chance(0.4) ? { maxActiveRuns: random.between(1, 2) } : {}),
    ...(random.chance(0.2) ? { headStartMs: random.between(1, 7_200_000) } : {}),
  });
  const said = teams.map((team) => [
    team,
    {
      ...(random.chance(0.6) ? { limit: random.between(1, 2) } : {}),
      ...policy(),
      modes: { upload: policy() },
    },
  ]);
  const more = { teams: Object.fromEntries(said), modes: { backfill: policy() } };
  return Settings.parse({ ...settings, ...more });
}

/** Some have a cron instead of `@daily`: what is complete before it is due waits for it. */
export function withCron(seed: number, node: ConfigNode): ConfigNode {
  const random = randomOf(seed, `cron of ${node.name}`);
  const has = node.scheduled && node.kind !== "old-online" && random.chance(0.15);
  return has ? { ...node, startsAtHour: random.between(1, 8) } : node;
}
