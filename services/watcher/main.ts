import { openWorld } from "../../adapters/open.ts";
import { readSettings } from "../../adapters/read-settings.ts";
import { runService } from "../run-service.ts";
import { watcher } from "./pipeline.ts";

const code = await runService({
  name: "watcher",
  settings: readSettings(process.env).settings,
  open: (settings, log) => openWorld(settings, { log, service: "watcher" }),
  needs: "lake.notifications",
  pipeline(ports, stop) {
    const { reconcileMs, beatMs } = ports.settings;
    return watcher({ ...ports, pace: { reconcileMs, beatMs } }, stop);
  },
});
process.exit(code);
