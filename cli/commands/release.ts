import { Command } from "commander";
import { writeRelease } from "../../releases/release.ts";
import { readConfigs } from "../read-configs.ts";
import { dataOption, type StateOptions, settingsOption, withState } from "../state.ts";

interface ReleaseOptions extends StateOptions {
  readonly configs: string;
  readonly json?: boolean;
}

/** `landfall release`: makes compiled configs the ones that decide. */
export function releaseCommand(): Command {
  return new Command("release")
    .description("release compiled configs to a Landfall that runs: what is not in them, retires")
    .requiredOption("--configs <dir>", "compiled configs: holds or is production/ or compiled/")
    .addOption(dataOption())
    .addOption(settingsOption())
    .option("--json", "print the release as JSON")
    .action(async (options: ReleaseOptions) => {
      const files = await readConfigs(options.configs);
      const release = await withState(options, async ({ configs, bus }) => {
        const written = await writeRelease(configs(), files);
        await bus().publish([{ kind: "configs-released", schema: 1, release: written }]);
        return written;
      });
      process.stdout.write(
        options.json === true
          ? `${JSON.stringify({ release, files: files.length })}\n`
          : `${files.length} config files released as ${release.slice(0, 12)}\n`,
      );
    });
}
