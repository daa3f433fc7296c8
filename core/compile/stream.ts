import type { PlanStream } from "../../schemas/plan.ts";
import type { Described } from "./describe.ts";
import type { Drafting } from "./draft.ts";
import { environmentOf } from "./environment.ts";
import { executionOf } from "./execution.ts";
import { stepId } from "./recipes.ts";
import { streamedBy } from "./sources.ts";

/**
 * The stream of a GroupBy that is online and temporal and has a topic, its own or its source join's;
 * null for every other. One that cannot be loaded by upload-to-kv has none: its job would find no
 * serving info.
 */
export function streamOf(
  { config, online, column }: Described,
  conf: PlanStream["conf"],
  { team, settings, findings, share }: Drafting,
): PlanStream | null {
  if (!online || config.confType !== "group_bys" || column !== "ds") return null;
  const streamed = streamedBy(config.body);
  if (streamed === null) return null;
  const { topic, parentJoin } = streamed;
  const execution = executionOf(config, { mode, says: team.says });
  return {
    config: config.name,
    team: config.team,
    topic,
    after: stepId(config.name, "upload-to-kv"),
    ...(parentJoin === null ? {} : { parentJoin }),
    conf,
    env: share(environmentOf(config, { mode, team, settings, findings })),
    ...(execution === null ? {} : { execution }),
  };
}

const mode = "streaming";
