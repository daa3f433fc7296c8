import { hostname } from "node:os";
import { pino } from "pino";
import { lastValueFrom } from "rxjs";
import { embeddedFromEnv } from "../../adapters/embedded/from-env.ts";
import { stopSignals } from "../stop-signals.ts";
import { dispatcher } from "./pipeline.ts";

const log = pino({ name: "dispatcher" });
const { world, settings } = embeddedFromEnv(process.env, log);
const by = `dispatcher ${process.pid} on ${hostname()}`;
const ports = { ...world, settings, by, log };
await lastValueFrom(dispatcher(ports, stopSignals()), { defaultValue: undefined });
await world.close();
