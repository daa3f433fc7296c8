import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbedded } from "../../../adapters/embedded/open.ts";
import { silentLog } from "../../../ports/log.ts";
import type { Cast, Stage } from "./stage.ts";
import { steeredClock } from "./steered-clock.ts";

/** The embedded world in a folder of its own. */
export async function embeddedStage({ start, settings, behaviour }: Cast): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "landfall-story-"));
  const clock = steeredClock(Date.parse(start));
  const world = openEmbedded({
    data: join(folder, "data"),
    lake: join(folder, "lake"),
    runner: { kind: "rehearsal", behaviour },
    settings,
    log: silentLog,
    clock,
  });
  return {
    world,
    clock,
    settings,
    paceMs: 100,
    know() {},
    async close() {
      await world.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
