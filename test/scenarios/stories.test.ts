import { describe, test } from "vitest";
import { embeddedStage } from "../support/story/embedded-stage.ts";
import { told } from "../support/story/story.ts";
import { stories } from "./stories/all.ts";

/** The same stories, with the same golden files, are played on Google's emulators: `test/gcp`. */
describe("what landed, what was decided and why, on the embedded world", () => {
  test.concurrent.for(stories)("$name", { timeout: 180_000 }, async (story, { expect }) => {
    await expect(await told(story, embeddedStage)).toMatchFileSnapshot(`${story.name}.txt`);
  });
});
