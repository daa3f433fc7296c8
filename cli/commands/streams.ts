import { Command } from "commander";
import { streamsIn } from "../../services/tracker/read.ts";
import { BadAnswer } from "../errors.ts";
import { dataOption, type StateOptions, settingsOption, withState } from "../state.ts";
import { streamsText, streamText } from "../streams-text.ts";

interface StreamsOptions extends StateOptions {
  readonly json?: boolean;
}

/** `landfall streams [GROUPBY]`: what runs, and what is wrong. Exit code 1 when something is. */
export function streamsCommand(): Command {
  return new Command("streams")
    .description("list the streams of GroupBys, or show one with its attempts")
    .argument("[groupby]", "metaData.name of a GroupBy")
    .addOption(dataOption())
    .addOption(settingsOption())
    .option("--json", "print the documents as JSON")
    .action(async (config: string | undefined, options: StreamsOptions) => {
      const all = await withState(options, ({ store }) => streamsIn(store));
      const streams = all.filter((stream) => config === undefined || stream.config === config);
      if (config !== undefined && streams.length === 0) {
        throw new Error(`no stream of ${config} is known; landfall streams lists those there are`);
      }
      const [only] = streams;
      const text =
        options.json === true
          ? JSON.stringify(streams, null, 2)
          : config === undefined || only === undefined
            ? streamsText(streams)
            : streamText(only);
      process.stdout.write(`${text}\n`);
      if (streams.some(({ troubles }) => troubles.length > 0)) throw new BadAnswer();
    });
}
