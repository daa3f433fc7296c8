import { castOf } from "../../support/story/stage.ts";
import type { Story } from "../../support/story/story.ts";
import { streamFile } from "../../support/streams-place.ts";

const config = "risk.clicks";

/** A stream from its first upload on: lost, changed, stopped, begun again. */
export const streaming: Story = {
  name: "streaming",
  cast: castOf({
    start: "2026-03-03T00:30:00Z",
    settings: { streams: { checkMs: 1_000, restartMs: 0, restartMsMax: 0, flappingEnds: 20 } },
  }),
  async play(at) {
    const end = async (attempt: number) => {
      const stream = await at.document(`streams/${config}`, () => true);
      await at.stage.world.runner.cancel(stream.attempts[attempt - 1]?.jobId ?? "");
    };
    await at.release("a GroupBy with a topic; none of its days has landed", [streamFile(config)]);
    await at.stream(config, "waiting 0");
    await at.land("data.events", "2026-03-02");
    await at.until(`${config}/upload-to-kv@2026-03-02 succeeded`);
    await at.stream(config, "running 1");
    at.happens("somebody cancels its job on the cluster");
    await end(1);
    await at.stream(config, "running 2");
    await at.release("its config changes", [streamFile(config, "2")]);
    await at.stream(config, "running 3");
    await at.ask(`ana stops it: landfall stream-stop ${config}`, { kind: "stream-stop", config });
    await at.stream(config, "held 3");
    await at.ask(`and has it go on: landfall stream-deploy ${config}`, {
      kind: "stream-deploy",
      config,
      state: "latest",
    });
    await at.stream(config, "running 4");
  },
};
