import { Command } from "commander";
import { UsageError } from "../errors.ts";
import { readSettings } from "../settings.ts";
import { settingsOption } from "../state.ts";

/** `landfall setup`: topics, subscriptions, notifications and tables of a deployment. */
export function setUpCommand(): Command {
  return new Command("setup")
    .description("make what a deployment on Google Cloud needs; may be run again at any time")
    .addOption(settingsOption())
    .option("--json", "print what is there now as JSON")
    .action(async (options: { settings?: string; json?: boolean }) => {
      const settings = readSettings(options.settings);
      if (settings.world !== "gcp") {
        throw new UsageError(
          "an embedded world needs no setup; set LANDFALL_WORLD=gcp, or world in the settings file",
        );
      }
      const { setUpGoogleCloud } = await import("../../adapters/gcp/set-up.ts");
      const json = options.json === true;
      const done = await setUpGoogleCloud(settings, ({ what, name }) => {
        if (!json) process.stdout.write(`${what.padEnd(15)}${name}\n`);
      });
      if (json) process.stdout.write(`${JSON.stringify(done, null, 2)}\n`);
    });
}
