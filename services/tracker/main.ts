import { pino } from "pino";
import { lastValueFrom } from "rxjs";
import { embeddedFromEnv } from "../../adapters/embedded/from-env.ts";
import { stopSignals } from "../stop-signals.ts";
import { tracker } from "./pipeline.ts";

const log = pino({ name: "tracker" });
const { world, settings } = embeddedFromEnv(process.env, log);
const ports = { ...world, settings, log };
await lastValueFrom(tracker(ports, stopSignals()), { defaultValue: undefined });
await world.close();
