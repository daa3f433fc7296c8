import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";

/**
 * `npm run bench [-- NAME …]`: runs the benchmarks, each in a process of its own. Each prints one
 * JSON line a figure; a figure is no test, nothing fails.
 */
const here = new URL(".", import.meta.url).pathname;
const asked = process.argv.slice(2);
const names = readdirSync(here)
  .filter(
    (file) =>
      file.endsWith(".ts") &&
      !["cpu.ts", "main.ts", "on-emulators.ts", "print.ts", "source.ts"].includes(file),
  )
  .map((file) => file.slice(0, -".ts".length))
  .filter((name) => !/-(writer|worker|world)$/.test(name))
  .filter((name) => asked.length === 0 || asked.includes(name));
for (const name of names) {
  process.stderr.write(`${name} …\n`);
  const args = ["--import", import.meta.resolve("tsx"), `${here}${name}.ts`];
  spawnSync(process.execPath, args, { stdio: "inherit" });
}
