import { readFile } from "node:fs/promises";
import { Settings } from "../schemas/settings.ts";
import { issuesText, UsageError } from "./errors.ts";

/** The settings of a JSON file, or the defaults. Throws `UsageError` naming what is wrong. */
export async function readSettings(file: string | undefined): Promise<Settings> {
  if (file === undefined) return Settings.parse({});
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw new UsageError(`cannot read settings ${file}: ${(cause as Error).message}`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`settings ${file} are not JSON: ${(cause as Error).message}`);
  }
  const parsed = Settings.strict().safeParse(json);
  if (!parsed.success) throw new UsageError(`settings ${file}: ${issuesText(parsed.error)}`);
  for (const [mode, pool] of Object.entries(parsed.data.poolOfMode)) {
    if (!Object.hasOwn(parsed.data.pools, pool)) {
      throw new UsageError(
        `settings ${file}: poolOfMode.${mode} names pool "${pool}", which pools has not`,
      );
    }
  }
  return parsed.data;
}
