import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type SeedProcess, simulating } from "../seed-process.ts";
import type { ShrunkInWords } from "../seed-runner.ts";
import { bundleWith } from "./bundle.ts";
import { copyWith } from "./copy.ts";
import type { Planted } from "./planted.ts";

/** How many seeds it takes to see the bug; null: none of them does. */
export async function seedsUntilCaught(
  bug: Planted,
  { from, seeds }: { readonly from: number; readonly seeds: number },
): Promise<number | null> {
  return simulating(await bundleWith(bug), async (simulation) => {
    const seed = await firstCaught(simulation, from, from + seeds);
    return seed === null ? null : seed - from + 1;
  });
}

/** Null: none from the first to the one before `end`. */
async function firstCaught(
  simulation: SeedProcess,
  from: number,
  end: number,
): Promise<number | null> {
  for (let seed = from; seed < end; seed++) {
    if ((await simulation.ask({ ask: "broken", seed })).length > 0) return seed;
  }
  return null;
}

/** Whether the faults it names show the bug together, and none of them can be left out. */
export async function needsTogether(bug: Planted): Promise<boolean> {
  const { together } = bug;
  if (together === undefined) throw new Error(`"${bug.name}" names no faults`);
  return simulating(await bundleWith(bug), (simulation) =>
    simulation.ask({ ask: "together", ...together }),
  );
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
  return simulating(await bundleWith(bug), async (simulation) => {
    let next = from;
    for (let tried = 0; tried < tries; tried++) {
      const seed = await firstCaught(simulation, next, seeds + 1);
      if (seed === null) return null;
      const faults = (await simulation.ask({ ask: "needed", seed })) ?? [];
      if (faults.length > 1 && faults.length <= togetherMax) return { seed, faults };
      next = seed + 1;
    }
    return null;
  });
}

/** The smallest way found in which a seed that catches the bug shows it. */
export async function shrunkBy(bug: Planted, seed: number): Promise<ShrunkInWords> {
  return simulating(await bundleWith(bug), (simulation) => simulation.ask({ ask: "shrunk", seed }));
}

/** Whether all tests but the simulation pass with the bug. */
export async function runTests(bug: Planted): Promise<"pass" | "fail"> {
  const copy = copyWith(bug);
  try {
    const vitest = dirname(createRequire(import.meta.url).resolve("vitest/package.json"));
    const asked = ["run", "--bail", "1", "--project", "!simulation"];
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
