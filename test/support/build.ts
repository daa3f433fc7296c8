import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

const root = new URL("../..", import.meta.url).pathname;

/**
 * Before tests that start `landfall` or a service: compiles the product as it is shipped. Processes start from
 * there in less than half the time that a loader needs, which compiles each source as it comes.
 */
export function setup(project: TestProject): void {
  build();
  project.onTestsRerun(build);
}

function build(): void {
  execFileSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: "inherit" });
}

/** The compiled module of a source file, `services/watcher/main.ts`. */
export function built(source: string): string {
  return join(root, "dist", source.replace(/\.ts$/, ".js"));
}
