import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { bundleWith } from "./bundle.ts";
import { copyWith } from "./copy.ts";
import type { Planted } from "./planted.ts";

/** How many seeds it takes to see the bug; null: none of them does. */
export async function seedsUntilCaught(
  bug: Planted,
  { from, seeds }: { readonly from: number; readonly seeds: number },
): Promise<number | null> {
  const asked = ["--stop", "--from", `${from}`, "--seeds", `${seeds}`];
  const { failing } = (await simulated(bug, asked)) as { failing: number[] };
  return failing[0] === undefined ? null : failing[0] - from + 1;
}

/** Whether the faults it names show the bug together, and none of them can be left out. */
export async function needsTogether(bug: Planted): Promise<boolean> {
  if (bug.together === undefined) throw new Error(`"${bug.name}" names no faults`);
  const { seed, faults } = bug.together;
  const answer = await simulated(bug, ["--from", `${seed}`, "--together", faults.join(",")]);
  return (answer as { together: boolean }).together;
}

/** More faults than that tell nobody anything. */
const togetherMax = 8;

/**
 * Faults that together show the bug and of which none can be left out, of the first seeds that catch
 * it; null: none of so many seeds shows it by a few faults.
 */
export async function faultsTogether(
  bug: Planted,
  { from, seeds, tries }: { readonly from: number; readonly seeds: number; readonly tries: number },
): Promise<NonNullable<Planted["together"]> | null> {
  if (tries === 0 || from > seeds) return null;
  const asked = ["--stop", "--needed", "--from", `${from}`, "--seeds", `${seeds - from + 1}`];
  const { failing, needed } = (await simulated(bug, asked)) as Needed;
  const [seed] = failing;
  if (seed === undefined || needed === undefined) return null;
  const isFew = needed.length > 1 && needed.length <= togetherMax;
  if (isFew) return { seed, faults: needed };
  return faultsTogether(bug, { from: seed + 1, seeds, tries: tries - 1 });
}

interface Needed {
  readonly failing: readonly number[];
  readonly needed?: readonly string[];
}

/** What the simulation with the bug answers, in one object. */
async function simulated(bug: Planted, asked: readonly string[]): Promise<unknown> {
  const bundle = await bundleWith(bug);
  try {
    const { output } = await run(dirname(bundle.file), [bundle.file, ...asked]);
    const answers = output.split("\n").filter((line) => line.startsWith("{"));
    if (answers.length === 0) {
      throw new Error(`"${bug.name}" does not run: ${output.slice(0, 500)}`);
    }
    return Object.assign({}, ...answers.map((line) => JSON.parse(line) as object)) as unknown;
  } finally {
    bundle.remove();
  }
}

/** Whether all tests but the simulation pass with the bug. */
export async function runTests(bug: Planted): Promise<"pass" | "fail"> {
  const copy = copyWith(bug);
  try {
    const vitest = dirname(createRequire(import.meta.url).resolve("vitest/package.json"));
    const asked = ["run", "--bail", "1", "--exclude", "test/simulation/**"];
    const { code } = await run(copy.folder, [join(vitest, "vitest.mjs"), ...asked]);
    return code === 0 ? "pass" : "fail";
  } finally {
    copy.remove();
  }
}

function run(
  cwd: string,
  args: readonly string[],
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const hear = (data: Buffer) => {
    output += data.toString();
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}
