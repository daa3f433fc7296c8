import { hostname } from "node:os";
import { pino } from "pino";
import { lastValueFrom } from "rxjs";
import { embeddedFromEnv } from "../../adapters/embedded/from-env.ts";
import { stopSignals } from "../stop-signals.ts";
import { dispatcher } from "./pipeline.ts";

const { world, settings } = embeddedFromEnv(process.env);
const by = `dispatcher ${process.pid} on ${hostname()}`;
const ports = { ...world, settings, by, log: pino({ name: "dispatcher" }) };
await lastValueFrom(dispatcher(ports, stopSignals()), { defaultValue: undefined });
await world.close();
