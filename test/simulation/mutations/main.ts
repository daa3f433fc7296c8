import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { SingleBar } from "cli-progress";
import { Command } from "commander";
import { type Planted, planted, plantedFile } from "./planted.ts";
import { faultsTogether, needsTogether, runTests, seedsUntilCaught, shrunkBy } from "./run.ts";

interface Options {
  readonly seeds: number;
  readonly only: string;
  readonly tests?: boolean;
  readonly write?: boolean;
  readonly shrink?: boolean;
}

/**
 * `npm run sim:planted`: plants each bug in a bundle of the simulation and counts the seeds until one
 * catches it. With `--tests` all other tests are run in a copy with the bug, too: it counts only if they
 * pass. With `--write` what was found is written down: a change of what services do moves all of it.
 */
await new Command("sim:planted")
  .description("plant bugs, one at a time, and count the seeds until the simulation catches each")
  .option("--seeds <n>", "how many to try", Number, 300)
  .option("--only <text>", "only bugs whose name holds this", "")
  .option("--tests", "run all other tests with the bug, which takes minutes each")
  .option("--write", "write the seeds, and the faults that show a bug together, into the list")
  .option("--shrink", "tell the smallest way found in which the first seed shows it")
  .action(run)
  .parseAsync();

async function run(options: Options): Promise<void> {
  const bugs = planted.filter(({ name }) => name.includes(options.only));
  const bar = new SingleBar({ format: "{bar} {value}/{total} bugs", clearOnComplete: true });
  if (process.stderr.isTTY) bar.start(bugs.length, 0);
  const found = new Map<string, Planted>();
  const waiting = [...bugs];
  const work = async () => {
    for (let bug = waiting.shift(); bug !== undefined; bug = waiting.shift()) {
      found.set(bug.name, await counted(bug, options));
      bar.increment();
    }
  };
  await Promise.all([work(), work()]);
  bar.stop();
  if (options.write !== true) return;
  const all = planted.map((bug) => found.get(bug.name) ?? bug);
  writeFileSync(plantedFile, `${JSON.stringify(all, null, 2)}\n`);
  execFileSync("npx", ["biome", "format", "--write", plantedFile.pathname], { stdio: "ignore" });
}

/** The bug with the seeds that show it now; as it was where none of them does. */
async function counted(bug: Planted, { seeds, tests, write, shrink }: Options): Promise<Planted> {
  const seed = await seedsUntilCaught(bug, { from: 1, seeds });
  const others = tests === true ? { otherTests: await runTests(bug) } : {};
  const together = write === true && seed !== null ? await fewFaults(bug, seed, seeds) : null;
  const few = together === null ? {} : { together };
  process.stdout.write(`${JSON.stringify({ bug: bug.name, seeds: seed, ...few, ...others })}\n`);
  if (shrink === true && seed !== null) {
    const { faults, leaving, lines } = await shrunkBy(bug, seed);
    process.stdout.write(`${JSON.stringify({ faults, leaving })}\n${lines.join("\n")}\n`);
  }
  const { together: _, ...rest } = bug;
  return seed === null ? bug : { ...rest, seed, ...few };
}

/** The faults it names while they still show it, else others; one that names none has none looked for. */
async function fewFaults(
  bug: Planted,
  from: number,
  seeds: number,
): Promise<NonNullable<Planted["together"]> | null> {
  if (bug.together === undefined) return null;
  if (await needsTogether(bug)) return bug.together;
  return faultsTogether(bug, { from, seeds, tries: 6 });
}
