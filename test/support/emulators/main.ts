import { Command, InvalidArgumentError } from "commander";
import { emulatorNames, startEmulators } from "./emulators.ts";
import { type EmulatorName, variables } from "./servers.ts";

/** `npm run emulators`: Google Cloud on this machine until Ctrl-C. */
const command = new Command("emulators")
  .description("starts the emulators of Pub/Sub, Firestore, Bigtable and Cloud Storage")
  .option("--ports <base>", "the first of four ports, in that order", port, 8085)
  .option("--only <names>", `some of ${emulatorNames.join(",")}`, someOf)
  .parse();
const { ports, only } = command.opts<{ ports: number; only?: EmulatorName[] }>();

const begun = performance.now();
const { env, missing, stop } = await startEmulators({
  ports,
  ...(only === undefined ? {} : { only }),
});
for (const line of missing) process.stderr.write(`missing: ${line}\n`);
for (const [name, value] of Object.entries(env)) process.stdout.write(`export ${name}=${value}\n`);
const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
const running = emulatorNames.filter((name) => variables[name] in env);
if (running.length === 0) process.exit(1);
process.stderr.write(`${running.join(", ")} answer after ${seconds} s; Ctrl-C stops them\n`);

let stopping = false;
const end = () => {
  if (stopping) return;
  stopping = true;
  clearInterval(orphaned);
  void stop();
};
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
// npm puts a shell between itself and this process, which dies of a signal without passing it on.
const parent = process.ppid;
const orphaned = setInterval(() => process.ppid === parent || end(), 500);

function port(text: string): number {
  const base = Number(text);
  if (Number.isInteger(base) && base > 0 && base < 65_533) return base;
  throw new InvalidArgumentError("a port is a number from 1 to 65532");
}

function someOf(text: string): EmulatorName[] {
  const names = text.split(",");
  const found = emulatorNames.filter((name) => names.includes(name));
  if (found.length === names.length) return found;
  throw new InvalidArgumentError(`choose from ${emulatorNames.join(",")}`);
}
