import type { IncomingMessage } from "node:http";
import type { Log } from "../ports/log.ts";
import type { World } from "../ports/world.ts";
import type { Deployment } from "../schemas/deployment.ts";
import { RehearsalBehaviour } from "../schemas/rehearsal.ts";
import { openEmbedded, type RunnerChoice, settingsFor } from "./embedded/open.ts";
import type { ServiceName } from "./gcp/place.ts";

/** A world, and the settings as it leaves them. */
export interface Opened {
  readonly world: World;
  readonly settings: Deployment;
  /** What becomes of a push, as an HTTP status; left out where nothing is pushed. */
  readonly push?: (request: IncomingMessage) => Promise<number>;
}

/** Opens the world that the settings name, for one service. Loads the libraries of no other. */
export async function openWorld(
  settings: Deployment,
  { log, service }: { readonly log: Log; readonly service?: ServiceName },
): Promise<Opened> {
  if (settings.world === "gcp") {
    const { openGoogleCloud } = await import("./gcp/open.ts");
    const whose = service === undefined ? {} : { service };
    const { push, ...world } = openGoogleCloud({ settings, log, ...whose });
    return { world, settings, ...(push === undefined ? {} : { push }) };
  }
  const { data, lake, command = settings.zipline } = settings;
  const runner: RunnerChoice =
    command === undefined
      ? { kind: "rehearsal", behaviour: RehearsalBehaviour.parse({}) }
      : { kind: "process", command };
  const chosen = { ...settings, ...settingsFor(settings, runner) };
  return { world: openEmbedded({ data, lake, settings: chosen, log, runner }), settings: chosen };
}
