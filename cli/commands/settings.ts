import { Command } from "commander";
import { variableOf } from "../../adapters/settings-env.ts";
import { effectiveSettings } from "../settings.ts";
import { settingsOption } from "../state.ts";
import { tableOf } from "../text-table.ts";

/** `landfall settings`: every setting in force, and who said so. No setting is a secret. */
export function settingsCommand(): Command {
  return new Command("settings")
    .description("show the settings in force, and where each comes from")
    .addOption(settingsOption())
    .option("--json", "print them as JSON, with the environment variable of each")
    .action((options: { settings?: string; json?: boolean }) => {
      const { origins } = effectiveSettings(options.settings);
      if (options.json === true) {
        const shown = origins.map((origin) => ({ ...origin, variable: variableOf(origin.path) }));
        process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
        return;
      }
      const table = tableOf({ setting: 34, value: 40, from: 24 });
      for (const { path, value, from } of origins) {
        table.add({ setting: path, value: textOf(value), from });
      }
      process.stdout.write(`${table.render()}\n`);
    });
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
