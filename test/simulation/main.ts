import { SingleBar } from "cli-progress";
import { Command } from "commander";
import { bundled } from "./bundle.ts";
import { FAULTS } from "./faults.ts";
import { brokenBySeeds, seedProcess, simulating } from "./seed-process.ts";

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly faults?: string;
  readonly processes: number;
  readonly stop?: boolean;
}

/** A seed that breaks promises, and which, in words. */
interface Failing {
  readonly seed: number;
  readonly broken: readonly string[];
}

/** Lines of a shrunk seed that are told: what matters is at the end. */
const linesMax = 120;

const whole = (text: string) => Math.max(0, Math.trunc(Number(text)));

await new Command("sim")
  .description("run seeds of the simulation; a failing one is shrunk and told in plain words")
  .option("--seeds <n>", "how many", whole, 200)
  .option("--from <n>", "the first", whole, 1)
  .option("--faults <kinds>", `of ${Object.keys(FAULTS).join(",")}; none for none`)
  .option("--processes <n>", "how many at a time", whole, 2)
  .option("--stop", "begin no seed after one that fails, and shrink none")
  .action(run)
  .parseAsync();

async function run(options: Options): Promise<void> {
  const { seeds, from, faults, stop } = options;
  const kinds = faults?.split(",");
  const failing = (await failingOf(options, kinds)).toSorted((a, b) => a.seed - b.seed);
  const said = { seeds, from, failing: failing.map(({ seed }) => seed) };
  process.stdout.write(`${JSON.stringify(said)}\n`);
  for (const { seed, broken } of failing.slice(0, 20)) {
    const lines = broken.slice(0, 3).map((line) => `  ${line}\n`);
    process.stdout.write(`seed ${seed}\n${lines.join("")}`);
  }
  const [first] = failing;
  if (first === undefined) return;
  process.exitCode = 1;
  if (stop !== true) await tellShrunk(first.seed, kinds);
}

/** Runs the seeds in processes of their own, with a bar that shows how far they are. */
async function failingOf(
  { seeds, from, processes, stop }: Options,
  kinds: readonly string[] | undefined,
): Promise<readonly Failing[]> {
  const failing: Failing[] = [];
  const bar = new SingleBar({
    format: "{bar} {value}/{total} seeds, {failing} failing, {eta_formatted} left",
    clearOnComplete: true,
  });
  function* wanted() {
    for (let seed = from; seed < from + seeds; seed++) {
      if (stop === true && failing.length > 0) return;
      yield seed;
    }
  }
  const bundle = await bundled();
  const running = Array.from({ length: Math.max(1, processes) }, () => seedProcess(bundle));
  if (process.stderr.isTTY) bar.start(seeds, 0, { failing: 0 });
  try {
    await brokenBySeeds(running, wanted(), {
      ...(kinds === undefined ? {} : { kinds }),
      told(seed, broken) {
        if (broken.length > 0) {
          failing.push({ seed, broken });
          if (!process.stderr.isTTY) process.stderr.write(`seed ${seed}: ${broken[0]}\n`);
        }
        bar.increment(1, { failing: failing.length });
      },
    });
  } finally {
    bar.stop();
    for (const one of running) one.end();
    bundle.remove();
  }
  return failing;
}

async function tellShrunk(seed: number, kinds: readonly string[] | undefined): Promise<void> {
  const asked = { ask: "shrunk", seed, ...(kinds === undefined ? {} : { kinds }) } as const;
  const shrunk = await simulating(await bundled(), (simulation) => simulation.ask(asked));
  const { faults, leaving, lines } = shrunk;
  const before = Math.max(0, lines.length - linesMax);
  const told = before === 0 ? lines : [`(${before} lines before)`, ...lines.slice(before)];
  process.stdout.write(
    `\nseed ${seed}, shrunk to ${faults.length} faults (${faults.join(", ")}), ${JSON.stringify(leaving)}:\n${told.join("\n")}\n`,
  );
}
