import { describe, expect, test } from "vitest";
import type { PlanStream } from "../../schemas/plan.ts";
import { compileFiles, entities, events, file, groupBy, join } from "../support/configs.ts";

type Json = Readonly<Record<string, unknown>>;

/** Streams of a plan with one GroupBy, online unless its metadata says otherwise. */
function streamsOf(more: Json, metaData: Json = {}): readonly PlanStream[] {
  const conf = groupBy("risk.clicks", more, { online: 1, ...metaData });
  return compileFiles([file("group_bys", conf)]).streams ?? [];
}

const clicks = [events("data.events", {}, { topic: "kafka://clicks" })];

describe("a stream is of a GroupBy that is online and temporal and has a topic", () => {
  test("of its events", () => {
    const [stream] = streamsOf({ sources: clicks });
    expect(stream).toMatchObject({
      config: "risk.clicks",
      team: "risk",
      topic: "kafka://clicks",
      after: "risk.clicks/upload-to-kv",
    });
    expect(stream).not.toHaveProperty("parentJoin");
  });

  test("of its mutations", () => {
    const sources = [
      entities("data.users", {}, { mutationTable: "data.m", mutationTopic: "users" }),
    ];
    expect(streamsOf({ sources })[0]?.topic).toBe("users");
  });

  test("of the left side of the join that is its source", () => {
    const parent = join("risk.checkout", {
      left: events("data.checkouts", {}, { topic: "checkouts" }),
    });
    const [stream] = streamsOf({ sources: [{ joinSource: { join: parent } }] });
    expect(stream).toMatchObject({ topic: "checkouts", parentJoin: "risk.checkout" });
  });

  test("of the first source that has one", () => {
    const sources = [events("data.old"), ...clicks];
    expect(streamsOf({ sources })[0]?.topic).toBe("kafka://clicks");
  });

  test.each([
    ["it is not online", { sources: clicks }, { online: 0 }],
    ["nothing has a topic", { accuracy: 0 }, {}],
    ["its accuracy is stored as snapshot", { sources: clicks, accuracy: 1 }, {}],
    [
      "upload-to-kv cannot load it",
      { sources: clicks },
      { executionInfo: { conf: { common: { "spark.chronon.partition.column": "day" } } } },
    ],
  ])("not when %s", (_, more, metaData) => {
    expect(streamsOf(more, metaData)).toEqual([]);
  });
});

test("its environment is that of the mode streaming, and another one is another plan", () => {
  const plan = (state: string) => {
    const env = { modeEnvironments: { streaming: { FLINK_STATE_URI: state } } };
    const conf = groupBy("risk.clicks", { sources: clicks }, { online: 1, executionInfo: { env } });
    return compileFiles([file("group_bys", conf)]);
  };
  expect(plan("gs://flink").streams?.[0]?.env).toEqual({ FLINK_STATE_URI: "gs://flink" });
  expect(plan("gs://flink").hash).not.toBe(plan("gs://other").hash);
});

test("a plan without streams has none, and the hash it always had", () => {
  const plan = compileFiles([file("group_bys", groupBy("risk.clicks", {}, { online: 1 }))]);
  expect(plan).not.toHaveProperty("streams");
  expect(plan.hash).toMatchInlineSnapshot(
    `"57ce8b6dc902f799223984137ba1783fb026d8327cb6b4ad0e5f61f9cd6eeec6"`,
  );
});

test("a config with an error keeps its last good stream, one that is gone has none", () => {
  const good = file("group_bys", groupBy("risk.clicks", { sources: clicks }, { online: 1 }));
  const previous = compileFiles([good]);
  const broken = compileFiles([{ ...good, text: "{" }], { previous });
  expect(broken.streams).toEqual(previous.streams);
  expect(compileFiles([], { previous }).streams).toBeUndefined();
});
