import { describe, expect, test } from "vitest";
import { newestCheckpoint, readManifest } from "../../core/streams/flink-state.ts";
import {
  flinkId,
  healthyStory,
  minuteMs,
  planStream,
  type StreamStory,
  streamStory,
} from "../support/stream-story.ts";

const [a, b, c] = ["a", "b", "c"].map(flinkId) as [string, string, string];

describe("S4: state that cannot be restored", () => {
  const ended = () => {
    const at = healthyStory();
    at.pass(30 * minuteMs);
    at.checkpoint(a, 5);
    at.look();
    at.end(at.begun[0] ?? "");
    return at;
  };

  test.each([
    ["its manifest is not whole", (at: StreamStory) => at.rawManifest("flinkJobId=aaaa")],
    ["its manifest was there before", (at: StreamStory) => at.rawManifest(null)],
    [
      `its checkpoint checkpoints/${a}/chk-5 was there`,
      (at: StreamStory) => at.removeCheckpoints(a),
    ],
    [
      "its manifest is stale",
      (at: StreamStory) => {
        at.pass(-25 * minuteMs);
        at.checkpoint(c, 2);
        at.pass(25 * minuteMs);
        at.manifest("an-older-job", c);
      },
    ],
  ])("holds and alerts: %s", (words, spoil) => {
    const at = ended();
    spoil(at);
    expect(at.look()).toBe("none");
    at.pass(24 * 60 * minuteMs);
    expect(at.look()).toBe("none");
    expect(at.state()).toBe("held");
    expect(at.why()).toContain(words);
    expect(at.troubles()).toEqual(["stream-state-lost"]);
    at.ask("deploy");
    expect(at.look()).toBe("none");
    expect(at.document().asked).toBeNull();
    at.ask("deploy-without-state");
    expect(at.look()).toBe("submit");
    expect(at.last()?.from).toBeNull();
  });

  test("goes on by itself when it is there again", () => {
    const at = ended();
    at.rawManifest(null);
    at.look();
    at.manifest(at.begun[0] ?? "", a);
    expect(at.look()).toBe("submit");
    expect(at.last()?.from?.n).toBe(5);
  });

  test("a job that died before its first checkpoint leaves that which it began from", () => {
    const at = ended();
    at.look();
    at.manifest(at.last()?.jobId ?? "", b);
    at.look();
    at.end(at.last()?.jobId ?? "");
    at.look();
    at.pass(2 * minuteMs);
    expect(at.look()).toBe("submit");
    expect(at.last()).toMatchObject({ attempt: 3, from: { n: 5 } });
    at.manifest(at.last()?.jobId ?? "", c);
    at.removeCheckpoints(a);
    at.look();
    at.end(at.last()?.jobId ?? "");
    at.pass(60 * minuteMs);
    expect(at.look()).toBe("none");
    expect(at.state()).toBe("held");
  });

  test("a claim that nobody submitted does not begin where it was to, once somebody's job left a newer state", () => {
    const at = streamStory();
    at.decide();
    expect(at.last()).toMatchObject({ attempt: 1, from: null });
    at.begin("somebody");
    at.manifest("somebody", b);
    at.pass(30 * minuteMs);
    at.checkpoint(b, 7);
    at.end("somebody");
    expect(at.look()).toBe("submit");
    expect(at.document().attempts).toMatchObject([
      { attempt: 1, outcome: "not-submitted" },
      { attempt: 2, from: { n: 7 } },
    ]);
  });

  test("a claim that nobody submitted is claimed again where nothing changed", () => {
    const at = ended();
    at.decide();
    const { from } = at.last() ?? {};
    at.pass(30 * minuteMs);
    expect(at.look()).toBe("submit");
    expect(at.last()).toMatchObject({ attempt: 2, outcome: null, from });
  });

  test("a job begun anew that came to nothing is begun anew, not from what was before it", () => {
    const at = ended();
    at.ask("deploy-without-state");
    at.look();
    at.pass(minuteMs);
    at.end(at.last()?.jobId ?? "");
    at.pass(5 * minuteMs);
    expect(at.look()).toBe("submit");
    expect(at.last()).toMatchObject({ attempt: 3, from: null });
    at.manifest(at.last()?.jobId ?? "", b);
    at.look();
    at.end(at.last()?.jobId ?? "");
    at.pass(10 * minuteMs);
    expect(at.look()).toBe("submit");
    expect(at.last()).toMatchObject({ attempt: 4, from: null });
  });
});

describe("commands and removal", () => {
  test("stopped by command, it stays so until it is deployed by command", () => {
    const at = healthyStory();
    at.ask("stop");
    expect(at.look()).toBe("cancel");
    at.look();
    expect(at.state()).toBe("held");
    expect(at.why()).toBe("stopped by ana");
    at.pass(24 * 60 * minuteMs);
    expect(at.look()).toBe("none");
    at.want(planStream({ conf: { path: "p", hash: "conf-2" } }));
    expect(at.look()).toBe("none");
    expect(at.troubles()).toEqual([]);
    at.ask("deploy");
    expect(at.look()).toBe("submit");
    expect(at.last()?.from?.n).toBe(1);
  });

  test("a command is not held up by a back-off", () => {
    const at = streamStory();
    at.look();
    at.end(at.begun[0] ?? "");
    expect(at.look()).toBe("none");
    at.ask("deploy");
    expect(at.look()).toBe("submit");
  });

  test("gone from the plan, its job goes on; back in the plan, it is kept again", () => {
    const at = healthyStory();
    at.want(null);
    expect(at.look()).toBe("none");
    expect(at.state()).toBe("gone");
    expect(at.why()).toContain("goes on, and nobody keeps it running");
    at.end(at.begun[0] ?? "");
    expect(at.look()).toBe("none");
    at.want(planStream());
    at.look();
    at.pass(2 * minuteMs);
    expect(at.look()).toBe("submit");
  });

  test("removal may be to cancel, and a stop of what is gone ends it", () => {
    const removed = healthyStory({ removal: "cancel" });
    removed.want(null);
    expect(removed.look()).toBe("cancel");
    const at = healthyStory();
    at.want(null);
    at.ask("stop");
    expect(at.look()).toBe("cancel");
    at.look();
    expect(at.state()).toBe("gone");
    expect(at.document().asked).toBeNull();
  });
});

describe("what Flink leaves", () => {
  test.each([
    "",
    "flinkJobId=,parentJobId=",
    "flinkJobId=abc",
    "parentJobId=x",
    "<html>",
    "a=b=c,d",
  ])("a manifest of %j is not whole", (text) => {
    expect(readManifest(text)).toEqual({ kind: "broken" });
  });

  test("checkpoints are ordered by number, and only complete ones count", () => {
    const object = (name: string) => ({ name, updatedAt: 1 });
    const found = newestCheckpoint([
      object(`checkpoints/${a}/chk-10/_metadata`),
      object(`checkpoints/${a}/chk-11/state`),
      object(`checkpoints/${a}/chk-9/_metadata`),
      object(`checkpoints/${a}/chk-latest/_metadata`),
      object(`checkpoints/${a}/shared/_metadata`),
    ]);
    expect(found).toMatchObject({ path: `checkpoints/${a}/chk-10`, n: 10 });
  });
});
