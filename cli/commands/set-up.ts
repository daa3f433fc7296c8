import { Command } from "commander";
import type { SetUpStep } from "../../adapters/gcp/set-up.ts";
import { instancesNamed } from "../../core/instances.ts";
import { currentPlan, readPlan } from "../../releases/stored-plan.ts";
import { UsageError } from "../errors.ts";
import { readSettings } from "../settings.ts";
import { type StateOptions, settingsOption, withState } from "../state.ts";

/**
 * `landfall setup`: topics, subscriptions, notifications and tables of a deployment; tables also in each
 * Bigtable instance that configs of the current release, or their teams, name.
 */
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
      const { setUpGoogleCloud, setUpTables } = await import("../../adapters/gcp/set-up.ts");
      const json = options.json === true;
      const done: SetUpStep[] = [];
      const tell = (step: SetUpStep) => {
        done.push(step);
        if (!json) process.stdout.write(`${step.what.padEnd(15)}${step.name}\n`);
      };
      await setUpGoogleCloud(settings, tell);
      const named = (await releasedInstances(options)).filter(
        (instance) => instance !== settings.gcp?.bigtableInstance,
      );
      for (const instance of named) await setUpTables(settings, instance, tell);
      if (json) process.stdout.write(`${JSON.stringify(done, null, 2)}\n`);
    });
}

/** Instances that the current release names; none before the first one. */
function releasedInstances(options: StateOptions): Promise<readonly string[]> {
  return withState(options, async ({ store, configs }) => {
    const { body } = await currentPlan(store);
    return body === null ? [] : instancesNamed(await readPlan(configs(), body.hash));
  });
}
