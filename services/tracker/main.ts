import { merge } from "rxjs";
import { openAlerts } from "../../adapters/alerts/open.ts";
import { openWorld } from "../../adapters/open.ts";
import { openMetrics } from "../../adapters/open-metrics.ts";
import { readSettings } from "../../adapters/read-settings.ts";
import { runService } from "../run-service.ts";
import { alerting } from "./alerts/pipeline.ts";
import { measuring } from "./metrics/pipeline.ts";
import { tracker } from "./pipeline.ts";

const code = await runService({
  name: "tracker",
  settings: readSettings(process.env).settings,
  open: (settings, log) => openWorld(settings, { log, service: "tracker" }),
  needs: "runner.statuses",
  metrics: (settings, log) => openMetrics(settings, { service: "tracker", log }),
  pipeline(ports, stop) {
    // Where jobs are looked at by lists, what they wrote says when; elsewhere their ends are told.
    const looks = ports.settings.world === "gcp" ? { written: ports.lake.notifications() } : {};
    const alerts = openAlerts({ ...ports, settings: ports.settings.alerts, env: process.env });
    return merge(
      tracker({ ...ports, ...looks }, stop),
      alerting({ ...ports, alerts }, stop),
      measuring({ ...ports, ...ports.aside }, stop),
    );
  },
});
process.exit(code);
