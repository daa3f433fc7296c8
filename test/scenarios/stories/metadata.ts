import { file } from "../../support/configs.ts";
import { type Joins, joinFiles } from "../../support/metadata-place.ts";
import { castOf } from "../../support/story/stage.ts";
import type { Story } from "../../support/story/story.ts";

const model = file("model_transforms", { metaData: { name: "growth.score", team: "growth" } });

/** What fetchers read of the configs: released, changed, rolled back, gone, refreshed. */
export const metadata: Story = {
  name: "metadata-upload",
  cast: castOf({ start: "2026-03-03T09:00:00Z" }),
  async play(at) {
    const all = { "risk.a": "1", "risk.b": "1", "growth.c": "1" };
    const released = async (what: string, joins: Joins, changed: number) => {
      await at.release(what, [...joinFiles(joins), model]);
      const { release } = await at.document("plans/current", () => true);
      await at.metadata(
        ({ uploaded, writing }) =>
          writing === null && uploaded?.release === release && uploaded.changed === changed,
      );
    };
    await released("three joins and a model transform", all, 4);
    await released("one changes", { ...all, "risk.b": "2" }, 1);
    await released("it is rolled back", all, 1);
    await released("one is gone", { "risk.a": "1", "risk.b": "1" }, 0);
    await at.ask("it and one that is there are to be deleted", {
      kind: "metadata-delete",
      keys: ["joins/growth.c", "joins/risk.a"],
    });
    at.later("2026-03-04T09:30:00Z");
    at.happens("a day later what is still wanted is refreshed");
    await at.metadata(
      ({ refreshedAt, writing }) =>
        writing === null && (refreshedAt ?? 0) >= Date.parse("2026-03-04T09:30:00Z"),
    );
    await at.ask("the one that is gone is to be deleted", {
      kind: "metadata-delete",
      keys: ["joins/growth.c"],
    });
    await at.metadata(({ asked, writing }) => writing === null && asked?.length === 0);
  },
};
