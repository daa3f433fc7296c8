import { metadataRowKey } from "../../../core/metadata.ts";
import { file, groupBy } from "../../support/configs.ts";
import { type Joins, joinFiles, table } from "../../support/metadata-place.ts";
import { castOf } from "../../support/story/stage.ts";
import type { Story, Telling } from "../../support/story/story.ts";

const day = "2026-03-02";
const upload = (name: string, of = day) => `${name}/metadata-upload@${of}`;

/** What lies there of joins, by a word that their contents differ by. */
async function rows(at: Telling, ...names: string[]): Promise<void> {
  const keys = names.map((name) => metadataRowKey(table, `joins/${name}`));
  const lying = await at.stage.world.keyValueStore.read(table, keys);
  const lines = lying.map(({ key, value }) => {
    const { metaData } = JSON.parse(Buffer.from(value).toString("utf8")) as {
      readonly metaData: { readonly description: string };
    };
    return `  row ${Buffer.from(key).toString("utf8")}: ${metaData.description}`;
  });
  for (const line of lines.toSorted()) at.line(line);
}

/** A team that wants Chronon to write what fetchers read: a job a conf, on release and each day. */
export const metadataByJob: Story = {
  name: "metadata-by-job",
  cast: castOf({
    start: "2026-03-03T09:00:00Z",
    settings: { teams: { risk: { metadata: "job" } } },
    faults: [
      { step: "risk.b/metadata-upload", run: 2, does: "write-nothing" },
      { step: "risk.a/metadata-upload", partition: "2026-03-03", attempt: 1, does: "fail" },
    ],
  }),
  async play(at) {
    const more = [file("group_bys", groupBy("risk.g", {}, { online: 1 }))];
    const released = (what: string, joins: Joins) =>
      at.release(what, [...joinFiles(joins), ...more]);
    await released("two joins and a GroupBy of the risk team, a join of the growth team", {
      "risk.a": "1",
      "risk.b": "1",
      "growth.c": "1",
    });
    await at.until(...["risk.a", "risk.b", "risk.g"].map((name) => `${upload(name)} succeeded`));
    await at.document("metadata/current", ({ uploaded }) => uploaded !== null);
    await rows(at, "risk.a", "risk.b", "growth.c");

    await released("a join changes, and its job exits 0 having written nothing", {
      "risk.a": "1",
      "risk.b": "2",
      "growth.c": "1",
    });
    await at.until(`${upload("risk.b")} failed`);
    await at.notices(1);
    await rows(at, "risk.b");
    await at.ask("ana retries it", { kind: "task-retry", task: upload("risk.b") });
    await at.until(`${upload("risk.b")} succeeded`);
    await at.notices(2);
    await rows(at, "risk.b");

    at.later("2026-03-04T00:01:00Z");
    at.happens("the day is over: all are written again, for the table drops rows by their age");
    const next = "2026-03-03";
    await at.until(
      ...["risk.a", "risk.b", "risk.g"].map((name) => `${upload(name, next)} succeeded`),
    );
  },
};
