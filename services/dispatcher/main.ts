import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { openWorld } from "../../adapters/open.ts";
import { openMetrics } from "../../adapters/open-metrics.ts";
import { readSettings } from "../../adapters/read-settings.ts";
import { runService } from "../run-service.ts";
import { dispatcher } from "./pipeline.ts";

// On Cloud Run host and process id are the same everywhere.
const by = `dispatcher ${process.pid} on ${hostname()} (${randomUUID().slice(0, 8)})`;
// A bus may put aside what comes back too often (Pub/Sub: 100 times), and a right that is missing in
// the world may be missing for a weekend. What a process that died had comes back at once anyway.
const leaseMs = 3_600_000;
const code = await runService({
  name: "dispatcher",
  settings: readSettings(process.env).settings,
  open: (settings, log) => openWorld(settings, { log, service: "dispatcher" }),
  needs: "bus.deliveries",
  metrics: (settings, log) => openMetrics(settings, { service: "dispatcher", log }),
  pipeline: (ports, stop) =>
    dispatcher(
      {
        ...ports,
        by,
        leaseMs,
        metadataInto: ports.keyValueStore,
        streamsAt: ports.flinkState,
      },
      stop,
    ),
});
process.exit(code);
