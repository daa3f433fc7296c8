import { lastValueFrom, merge } from "rxjs";
import { openEmbedded } from "../adapters/embedded/open.ts";
import { silentLog } from "../ports/log.ts";
import { RehearsalBehaviour } from "../schemas/rehearsal.ts";
import { Settings } from "../schemas/settings.ts";
import { stopSignals } from "../services/stop-signals.ts";
import { tracker } from "../services/tracker/pipeline.ts";
import { watcher } from "../services/watcher/pipeline.ts";

/** Watcher and tracker beside the dispatcher's process, as where each service has its own. */
const [data = "", lake = "", text = "{}"] = process.argv.slice(2);
const settings = Settings.parse(JSON.parse(text));
const world = openEmbedded({
  data,
  lake,
  runner: { kind: "rehearsal", behaviour: RehearsalBehaviour.parse({ durationMs: 0 }) },
  settings,
  log: silentLog,
});
const ports = { ...world, settings, log: silentLog };
const stop = stopSignals();
await lastValueFrom(merge(watcher(ports, stop), tracker(ports, stop)), {
  defaultValue: undefined,
});
await world.close();
