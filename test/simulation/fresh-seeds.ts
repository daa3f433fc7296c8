import { execFileSync } from "node:child_process";

/**
 * Where fresh seeds begin: `LANDFALL_SIM_FROM`, else a number that the newest commit decides. Every
 * commit tries other seeds than the one before, and the same ones wherever it is tested, so that
 * what fails can be seen again. Without git it is always the same number.
 */
export function firstFreshSeed(): number {
  const given = process.env["LANDFALL_SIM_FROM"];
  if (given !== undefined) return Number(given);
  try {
    const commit = execFileSync("git", ["rev-parse", "HEAD"], {
      cwd: import.meta.dirname,
      stdio: ["ignore", "pipe", "ignore"],
    }).toString();
    return 100_000 + Number.parseInt(commit.slice(0, 6), 16);
  } catch {
    return 100_000;
  }
}
