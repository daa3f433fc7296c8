import type { PlaceOptions, Work } from "./place.ts";
import { dataprocServer } from "./server.ts";

/**
 * A Dataproc in a process of its own: `main.ts OPTIONS [MODULE]`. OPTIONS are the server's as JSON,
 * `{}` for none; MODULE exports `work`, what a job does. It prints `{"port":N}` once it listens.
 */
const [options = "{}", module] = process.argv.slice(2);
const given = JSON.parse(options) as PlaceOptions & { port?: number };
const work = module === undefined ? {} : ((await import(module)) as { work: Work });
const server = await dataprocServer({ ...given, ...work });
process.stdout.write(`${JSON.stringify({ port: server.port })}\n`);
process.once("SIGTERM", () => void server.close());
