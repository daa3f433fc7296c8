import { SingleBar } from "cli-progress";
import { Command } from "commander";
import { planted } from "./planted.ts";
import { runTests, seedsUntilCaught } from "./run.ts";

/**
 * `npm run sim:planted`: plants each bug in a copy of the sources and counts the seeds until one
 * catches it. With `--tests` the copy's other tests are run, too: a bug counts only if they pass.
 */
await new Command("sim:planted")
  .description("plant bugs, one at a time, and count the seeds until the simulation catches each")
  .option("--seeds <n>", "how many to try", Number, 300)
  .option("--only <text>", "only bugs whose name holds this", "")
  .option("--tests", "run all other tests with the bug, which takes minutes each")
  .action(async ({ seeds, only, tests }: { seeds: number; only: string; tests?: boolean }) => {
    const bugs = planted.filter(({ name }) => name.includes(only));
    const bar = new SingleBar({ format: "{bar} {value}/{total} bugs", clearOnComplete: true });
    if (process.stderr.isTTY) bar.start(bugs.length, 0);
    for (const bug of bugs) {
      const caught = await seedsUntilCaught(bug, { from: 1, seeds });
      const others = tests === true ? { otherTests: await runTests(bug) } : {};
      process.stdout.write(`${JSON.stringify({ bug: bug.name, seeds: caught, ...others })}\n`);
      bar.increment();
    }
    bar.stop();
  })
  .parseAsync();
