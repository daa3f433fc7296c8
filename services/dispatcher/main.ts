import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { openWorld } from "../../adapters/open.ts";
import { readSettings } from "../../adapters/read-settings.ts";
import { runService } from "../run-service.ts";
import { dispatcher } from "./pipeline.ts";

// On Cloud Run host and process id are the same everywhere.
const by = `dispatcher ${process.pid} on ${hostname()} (${randomUUID().slice(0, 8)})`;
const code = await runService({
  name: "dispatcher",
  settings: readSettings(process.env).settings,
  open: (settings, log) => openWorld(settings, { log, service: "dispatcher" }),
  needs: "bus.deliveries",
  pipeline: (ports, stop) => dispatcher({ ...ports, by, metadataInto: ports.keyValueStore }, stop),
});
process.exit(code);
