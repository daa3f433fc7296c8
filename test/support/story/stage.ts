import type { ConfigFile } from "../../../core/compile/config-file.ts";
import type { World } from "../../../ports/world.ts";
import { AlertSettings } from "../../../schemas/alert-settings.ts";
import { RehearsalBehaviour } from "../../../schemas/rehearsal.ts";
import { Settings } from "../../../schemas/settings.ts";
import type { SteeredClock } from "./steered-clock.ts";

/** What a story is played with. */
export interface Cast {
  /** When it begins. */
  readonly start: string;
  readonly settings: Settings;
  readonly behaviour: RehearsalBehaviour;
  readonly alerts: AlertSettings;
}

/** A world that a story is played on, with its services still to be started. */
export interface Stage {
  readonly world: World;
  readonly clock: SteeredClock;
  /** The cast's, as the world wants them. */
  readonly settings: Settings;
  /** Distance of looks at whatever nobody tells of, where each costs something. */
  readonly paceMs: number;
  /** Tells jobs that do what Chronon's would which configs there are. */
  know(files: readonly ConfigFile[]): void;
  close(): Promise<void>;
}

export type OpenStage = (cast: Cast) => Promise<Stage>;

/**
 * Paces of minutes are fractions of a second here, so that a story waits for facts only. What is to be
 * alerted of is looked at when the story says so, and else not while it is played: not in the midst of a storm.
 */
export function castOf(of: {
  readonly start: string;
  readonly settings?: object;
  readonly faults?: readonly object[];
  readonly alerts?: object;
}): Cast {
  const { start, settings = {}, faults = [], alerts = {} } = of;
  return {
    start,
    settings: Settings.parse({
      externalClosing: { when: "at-landing" },
      retries: { job: { max: 1, delayMs: 0 }, infrastructure: { max: 3, delayMs: 0 } },
      tickMs: 200,
      ...settings,
    }),
    behaviour: RehearsalBehaviour.parse({ durationMs: 0, checkpointMs: 200, faults }),
    alerts: AlertSettings.parse({ lookMs: 600_000, quietMs: 0, ...alerts }),
  };
}
