import { fork } from "node:child_process";
import { SingleBar } from "cli-progress";
import { Command } from "commander";
import { check } from "./check.ts";
import { FAULTS } from "./faults.ts";
import { neededFaults, neededTogether, shrink } from "./shrink.ts";
import type { SimulationOptions } from "./simulate.ts";
import { inWords } from "./words.ts";

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly faults?: string;
  readonly processes: number;
  readonly stop?: boolean;
  readonly together?: string;
  readonly needed?: boolean;
  readonly worker?: boolean;
}

/** What one worker tells of one seed. */
interface Told {
  readonly seed: number;
  readonly broken: readonly string[];
}

const whole = (text: string) => Math.max(0, Math.trunc(Number(text)));

await new Command("sim")
  .description("run seeds of the simulation; a failing one is shrunk and told in plain words")
  .option("--seeds <n>", "how many", whole, 200)
  .option("--from <n>", "the first", whole, 1)
  .option("--faults <kinds>", `of ${Object.keys(FAULTS).join(",")}; none for none`)
  .option("--processes <n>", "how many at a time", whole, 2)
  .option("--stop", "stop at the first seed that fails and do not shrink it")
  .option(
    "--together <faults>",
    "only tell whether these break a promise, and all are needed for it",
  )
  .option("--needed", "with --stop: the faults that the seed needs, none of which is enough alone")
  .option("--worker", "(used by itself)")
  .action(run)
  .parseAsync();

async function run(options: Options): Promise<void> {
  const { faults } = options;
  const kinds = faults === undefined ? {} : { kinds: new Set(faults.split(",")) };
  if (options.worker === true) return work(options, kinds);
  if (options.together !== undefined) {
    const together = await neededTogether(options.from, options.together.split(","));
    process.stdout.write(`${JSON.stringify({ seed: options.from, together })}\n`);
    return;
  }
  const failing = options.stop === true ? await one(options, kinds) : await many(options);
  const begun = failing.toSorted((a, b) => a.seed - b.seed);
  process.stdout.write(
    `${JSON.stringify({ seeds: options.seeds, from: options.from, failing: begun.map(({ seed }) => seed) })}\n`,
  );
  for (const { seed, broken } of begun.slice(0, 20)) {
    process.stdout.write(
      `seed ${seed}\n${broken
        .slice(0, 3)
        .map((line) => `  ${line}\n`)
        .join("")}`,
    );
  }
  const [first] = begun;
  if (first === undefined) return;
  process.exitCode = 1;
  if (options.needed === true) {
    const needed = await neededFaults({ seed: first.seed, ...kinds });
    process.stdout.write(`${JSON.stringify({ needed })}\n`);
  }
  if (options.stop === true) return;
  const { options: smallest, checked } = await shrink({ seed: first.seed, ...kinds });
  process.stdout.write(
    `\nseed ${first.seed}, shrunk to ${checked.struck.length} faults (${checked.struck.join(", ")}), ${JSON.stringify({ ...smallest.leaving, without: [...(smallest.leaving?.without ?? [])] })}:\n${inWords(checked.trace, checked.broken).join("\n")}\n`,
  );
}

type Kinds = Pick<SimulationOptions, "kinds">;

/** Seeds one after the other, up to the first that fails. */
async function one({ from, seeds }: Options, kinds: Kinds): Promise<Told[]> {
  for (let seed = from; seed < from + seeds; seed++) {
    const told = await tell(seed, kinds);
    if (told.broken.length > 0) return [told];
  }
  return [];
}

async function tell(seed: number, kinds: Kinds): Promise<Told> {
  const { broken } = await check({ seed, ...kinds });
  return { seed, broken: broken.map(({ promise, what }) => `${promise} ${what}`) };
}

async function work({ from, seeds, processes }: Options, kinds: Kinds): Promise<void> {
  for (let seed = from; seed < from + seeds; seed += processes)
    process.send?.(await tell(seed, kinds));
}

/** Seeds shared out to workers, with a bar that shows how far they are. */
async function many({ from, seeds, faults, processes }: Options): Promise<Told[]> {
  const bar = new SingleBar({
    format: "{bar} {value}/{total} seeds, {failing} failing, {eta_formatted} left",
    clearOnComplete: true,
  });
  if (process.stderr.isTTY) bar.start(seeds, 0, { failing: 0 });
  const failing: Told[] = [];
  const workers = Array.from({ length: Math.min(processes, seeds) }, (_, nth) => {
    const args = ["--worker", "--from", `${from + nth}`, "--seeds", `${seeds - nth}`];
    const more = faults === undefined ? [] : ["--faults", faults];
    const worker = fork(import.meta.filename, [...args, "--processes", `${processes}`, ...more], {
      execArgv: ["--import", import.meta.resolve("tsx")],
    });
    worker.on("message", (told: Told) => {
      if (told.broken.length > 0) {
        failing.push(told);
        if (!process.stderr.isTTY) process.stderr.write(`seed ${told.seed}: ${told.broken[0]}\n`);
      }
      bar.increment(1, { failing: failing.length });
    });
    return new Promise<void>((resolve, reject) => {
      worker.on("exit", (code) =>
        code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`)),
      );
    });
  });
  await Promise.all(workers);
  bar.stop();
  return failing;
}
