import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Log } from "../../ports/log.ts";
import type { World } from "../../ports/world.ts";
import { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import { Settings } from "../../schemas/settings.ts";
import { openEmbedded, type RunnerChoice, settingsFor } from "./open.ts";

const Env = z.object({
  LANDFALL_DATA: z.string().default(".landfall/data"),
  LANDFALL_LAKE: z.string().default(".landfall/lake"),
  /** Command template of the process runner; without it jobs are rehearsed. */
  LANDFALL_COMMAND: z.string().exactOptional(),
  /** A JSON file. */
  LANDFALL_SETTINGS: z.string().exactOptional(),
});

/**
 * The embedded world of a service that runs in a process of its own beside the others. Throws when
 * the environment or the settings file is not as it must be.
 */
export function embeddedFromEnv(
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
): {
  readonly world: World;
  readonly settings: Settings;
} {
  const parsed = Env.parse(env);
  const file = parsed.LANDFALL_SETTINGS;
  const read = Settings.parse(file === undefined ? {} : JSON.parse(readFileSync(file, "utf8")));
  const command = parsed.LANDFALL_COMMAND;
  const runner: RunnerChoice =
    command === undefined
      ? { kind: "rehearsal", behaviour: RehearsalBehaviour.parse({}) }
      : { kind: "process", command };
  const settings = settingsFor(read, runner);
  const world = openEmbedded({
    data: parsed.LANDFALL_DATA,
    lake: parsed.LANDFALL_LAKE,
    settings,
    log,
    runner,
  });
  return { world, settings };
}
