import { Command } from "commander";
import { currentPlan, readPlan } from "../../releases/stored-plan.ts";
import type { MetadataDocument, MetadataRowsDocument } from "../../schemas/metadata.ts";
import { type MetadataState, metadataText } from "../metadata-text.ts";
import { dataOption, type State, type StateOptions, settingsOption, withState } from "../state.ts";

interface MetadataOptions extends StateOptions {
  readonly json?: boolean;
}

/** `landfall metadata`: what of the configs lies in the online store, since when, and what is wrong. */
export function metadataCommand(): Command {
  return new Command("metadata")
    .description("show what fetchers can read of the configs, since when, and what is wrong")
    .addOption(dataOption())
    .addOption(settingsOption())
    .option("--json", "print the ledger with its rows as JSON")
    .action(async (options: MetadataOptions) => {
      const state = await withState(options, metadataState);
      const text =
        options.json === true
          ? JSON.stringify({ ...state.head, rows: state.rows }, null, 2)
          : metadataText(state);
      process.stdout.write(`${text}\n`);
    });
}

async function metadataState({ store, configs }: State): Promise<MetadataState> {
  const { body } = await currentPlan(store);
  const steps = body === null ? [] : (await readPlan(configs(), body.hash)).steps;
  const byJobs = steps.filter(({ verification }) => verification === "metadata-row").length;
  const read = await store.read(["metadata/current"]);
  const head = (read.get("metadata/current")?.body ?? null) as MetadataDocument | null;
  const pages = await store.read(
    (head?.pages ?? []).map((page) => `metadata-rows/${page}` as const),
  );
  const rows = [...pages.values()].map(({ body }) => (body as MetadataRowsDocument | null)?.rows);
  return { head, byJobs, rows: Object.assign({}, ...rows) as MetadataState["rows"] };
}
