import { test } from "vitest";
import { stories } from "../scenarios/stories/all.ts";
import { emulated } from "../support/emulators/emulated.ts";
import { cloudStage } from "../support/story/cloud-stage.ts";
import { told } from "../support/story/story.ts";

/** Golden files as the embedded world wrote them: `test/scenarios`. */
emulated(["pubsub", "firestore", "bigtable", "storage"], "stories", ({ project }) => {
  test.concurrent.for(stories)("$name", { timeout: 180_000 }, async (story, { expect }) => {
    const text = await told(story, (cast) => cloudStage(project, cast));
    await expect(text).toMatchFileSnapshot(`../scenarios/${story.name}.txt`);
  });
});
