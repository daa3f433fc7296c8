import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmulators } from "../test/support/emulators/emulators.ts";

/**
 * Measures with emulators of Google Cloud that are named in the environment, and with a folder of
 * its own (kept where `BENCH_KEEP` is set). Says which emulators are missing, and measures nothing then.
 */
export async function onEmulators(
  options: NonNullable<Parameters<typeof startEmulators>[0]>,
  measure: (folder: string) => Promise<void>,
): Promise<void> {
  const emulators = await startEmulators(options);
  Object.assign(process.env, emulators.env);
  for (const line of emulators.missing) process.stderr.write(`missing: ${line}\n`);
  const folder = mkdtempSync(join(tmpdir(), "landfall-bench-"));
  try {
    if (emulators.missing.length === 0) await measure(folder);
  } finally {
    if (process.env["BENCH_KEEP"] === undefined) rmSync(folder, { recursive: true, force: true });
    else process.stderr.write(`kept ${folder}\n`);
    await emulators.stop();
  }
}
