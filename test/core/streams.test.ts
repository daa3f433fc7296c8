import { describe, expect, test } from "vitest";
import { nextLookAt } from "../../core/streams/due.ts";
import {
  flinkId,
  healthyStory,
  minuteMs,
  planStream,
  streamStory,
} from "../support/stream-story.ts";

const [a, b] = ["a", "b"].map(flinkId) as [string, string];

describe("a first job", () => {
  test("waits for upload-to-kv, and is begun once that succeeded, without state", () => {
    const at = streamStory();
    at.waitFor("risk.clicks.v1/upload-to-kv to succeed once");
    expect(at.look()).toBe("none");
    expect(at.state()).toBe("waiting");
    expect(at.why()).toBe("waits for risk.clicks.v1/upload-to-kv to succeed once");
    at.pass(30 * 24 * 60 * minuteMs);
    expect(at.look()).toBe("none");
    expect(at.troubles()).toEqual([]);
    at.waitFor(null);
    expect(at.look()).toBe("submit");
    expect(at.last()).toMatchObject({ attempt: 1, from: null, because: "no job of it runs" });
    expect(at.begun).toHaveLength(1);
  });

  test("is confirmed when the manifest names it, and healthy with a young checkpoint", () => {
    const at = streamStory();
    at.look();
    at.pass(minuteMs);
    at.look();
    expect(at.state()).toBe("starting");
    expect(at.last()?.confirmedAt).toBeNull();
    at.manifest(at.begun[0] ?? "", a);
    at.look();
    expect(at.last()?.confirmedAt).toBe(at.now());
    expect(at.state()).toBe("starting");
    at.halfCheckpoint(a, 1);
    at.look();
    expect(at.why()).toBe("is starting: it completed no checkpoint");
    at.checkpoint(a, 1);
    at.look();
    expect(at.state()).toBe("running");
  });

  test("goes on from what a stream left that was begun before Landfall", () => {
    const at = streamStory();
    at.manifest("by-hand", a);
    at.checkpoint(a, 9);
    at.checkpoint(a, 10);
    at.look();
    expect(at.last()?.from?.path).toBe(`checkpoints/${a}/chk-10`);
  });
});

describe("S2, S3: a stream that runs", () => {
  test("is left alone, whatever a check finds, as long as its conf is wanted", () => {
    const at = healthyStory();
    for (let n = 2; n < 50; n++) {
      at.pass(10 * minuteMs);
      at.checkpoint(a, n);
      expect(at.look(n % 2 === 0 ? "one" : "two")).toBe("none");
    }
    at.pass(60 * minuteMs);
    expect(at.look()).toBe("none");
    expect(at.state()).toBe("unhealthy");
    expect(at.troubles()).toEqual(["stream-down"]);
    at.rawManifest("flinkJobId=");
    expect(at.look()).toBe("none");
    expect(at.begun).toHaveLength(1);
    expect(at.ended).toEqual([]);
  });

  test("of others is adopted, and goes on by Landfall when it ends", () => {
    const at = streamStory();
    at.begin("by-hand");
    at.manifest("by-hand", a);
    at.checkpoint(a, 4);
    expect(at.look()).toBe("none");
    expect(at.why()).toBe("by-hand runs, which Landfall did not begin");
    at.pass(20 * minuteMs);
    at.look();
    expect(at.troubles()).toEqual(["stream-down"]);
    at.end("by-hand");
    expect(at.look()).toBe("submit");
    expect(at.last()?.from?.n).toBe(4);
  });

  test("is not begun again because a list does not show it", () => {
    const at = healthyStory();
    at.lag(true);
    at.checkpoint(a, 2);
    expect(at.look()).toBe("none");
    expect(at.state()).toBe("running");
  });

  test("twice is an alert, and neither is ended but by command", () => {
    const at = healthyStory();
    at.begin("by-hand");
    expect(at.look()).toBe("none");
    at.want(planStream({ conf: { path: "p", hash: "conf-2" } }));
    expect(at.look()).toBe("none");
    expect(at.troubles()).toEqual(["stream-duplicated"]);
    at.ask("deploy");
    expect(at.look()).toBe("cancel");
    expect(at.ended).toEqual(["by-hand", at.begun[0]]);
    expect(at.look()).toBe("submit");
    expect(at.last()?.because).toBe("deployed by ana");
    expect(at.troubles()).toEqual([]);
  });
});

test("a job that somebody begins while another conf's is being ended goes on", () => {
  const at = healthyStory();
  const [own = ""] = at.begun;
  at.want(planStream({ conf: { path: "p", hash: "conf-2" } }));
  expect(at.decide("one")?.action).toEqual({ kind: "cancel", jobIds: [own] });
  at.begin("by-hand");
  expect(at.decide("one")?.action).toEqual({ kind: "cancel", jobIds: [own] });
  expect(at.troubles()).toEqual(["stream-duplicated"]);
  at.end(own);
  expect(at.look()).toBe("none");
  expect(at.why()).toBe("by-hand runs, which Landfall did not begin");
  expect(at.troubles()).toEqual([]);
});

describe("S1: claims", () => {
  test("only who claimed submits, until its time is over; then the same job is claimed again", () => {
    const at = streamStory();
    const first = at.decide("one");
    expect(at.decide("two")?.action.kind).toBe("none");
    expect(at.decide("one")?.action).toEqual(first?.action);
    at.pass(61_000);
    expect(at.decide("one")?.action.kind).toBe("none");
    expect(at.decide("two")?.action.kind).toBe("none");
    at.pass(5_000);
    const again = at.decide("two");
    expect(again?.action).toEqual(first?.action);
    expect(again?.document.state).toMatchObject({ kind: "launching", by: "two" });
  });

  test("what was submitted before the crash is found, not submitted again", () => {
    const at = streamStory();
    at.decide("one");
    at.begin(at.last()?.jobId ?? "");
    at.pass(600_000);
    expect(at.look("two")).toBe("none");
    expect(at.state()).toBe("starting");
    expect(at.document().attempts).toHaveLength(1);
  });

  test("one that was never submitted is over when another conf is wanted meanwhile", () => {
    const at = streamStory();
    at.decide("one");
    at.want(planStream({ conf: { path: "p", hash: "conf-2" } }));
    expect(at.decide("one")?.action.kind).toBe("none");
    at.pass(66_000);
    expect(at.look("one")).toBe("submit");
    expect(at.document().attempts.map(({ outcome }) => outcome)).toEqual(["not-submitted", null]);
  });

  test("a job that nobody knows any more, long after it was submitted, has ended", () => {
    const at = healthyStory();
    at.pass(20 * minuteMs);
    at.checkpoint(a, 2);
    at.look();
    at.lose(at.begun[0] ?? "");
    expect(at.look()).toBe("submit");
    expect(at.document().attempts[0]).toMatchObject({ outcome: "vanished" });
  });
});

describe("a job that ends", () => {
  test("is begun again at once from its newest checkpoint when it had lasted", () => {
    const at = healthyStory();
    at.pass(20 * minuteMs);
    at.checkpoint(a, 99);
    at.checkpoint(a, 100);
    at.halfCheckpoint(a, 101);
    at.look();
    at.end(at.begun[0] ?? "");
    expect(at.look()).toBe("submit");
    expect(at.last()).toMatchObject({
      attempt: 2,
      because: `${at.begun[0]} failed: out of memory`,
    });
    expect(at.last()?.from?.n).toBe(100);
    at.becomeHealthy(b, 101);
    expect(at.state()).toBe("running");
  });

  test("again and again waits longer each time, up to a bound, and is flapping", () => {
    const at = streamStory();
    const waits: number[] = [];
    for (let n = 1; n <= 9; n++) {
      while (at.look() !== "submit") at.pass(10_000);
      const begun = at.now();
      at.look();
      at.end(at.last()?.jobId ?? "");
      at.look();
      const { state } = at.document();
      waits.push(state.kind === "backing-off" ? state.notBefore - begun : 0);
    }
    for (const [index, wait] of waits.entries()) {
      const mean = Math.min(30, 2 ** index) * minuteMs;
      expect(wait).toBeGreaterThanOrEqual(mean / 2);
      expect(wait).toBeLessThanOrEqual(mean);
    }
    expect(at.troubles()).toEqual(["stream-flapping", "stream-down"]);
    expect(at.document().troubles[0]?.sentence).toContain("the last time");
  });

  test("is down only when it is not healthy again within the grace", () => {
    const at = healthyStory();
    at.pass(20 * minuteMs);
    at.checkpoint(a, 2);
    at.look();
    at.end(at.begun[0] ?? "");
    at.look();
    at.pass(14 * minuteMs);
    at.look();
    expect(at.troubles()).toEqual([]);
    at.pass(minuteMs);
    at.look();
    expect(at.troubles()).toEqual(["stream-down"]);
    const since = at.now();
    at.pass(minuteMs);
    at.look();
    expect(at.document().troubles[0]?.since).toBe(since);
    at.becomeHealthy(b, 3);
    expect(at.troubles()).toEqual([]);
  });

  test("refused by the runner, it is tried again after a while, with a new attempt", () => {
    const at = streamStory();
    at.decide();
    at.refuse("no FLINK_STATE_URI is known for it");
    expect(at.why()).toContain("refused: no FLINK_STATE_URI");
    expect(at.look()).toBe("none");
    expect(at.state()).toBe("backing-off");
    at.pass(minuteMs);
    expect(at.look()).toBe("submit");
    expect(at.last()?.attempt).toBe(2);
  });
});

describe("another conf", () => {
  test("ends the job, and begins the next from the newest checkpoint once that has ended", () => {
    const at = healthyStory();
    at.pass(60 * minuteMs);
    at.want(planStream({ conf: { path: "p", hash: "conf-2" } }));
    expect(at.decide()?.action).toEqual({ kind: "cancel", jobIds: at.begun });
    at.checkpoint(a, 77);
    expect(at.decide()?.action.kind).toBe("cancel");
    expect(at.begun).toHaveLength(1);
    at.end(at.begun[0] ?? "", "cancelled", null);
    expect(at.look()).toBe("submit");
    expect(at.last()).toMatchObject({ because: "another conf is wanted" });
    expect(at.last()?.from?.n).toBe(77);
    expect(at.troubles()).toEqual([]);
  });

  test("an environment with another version is one, too", () => {
    const at = healthyStory();
    at.want(planStream({ env: { VERSION: "2" } }));
    expect(at.look()).toBe("cancel");
  });

  test("rolled back while the job is being ended, it ends all the same", () => {
    const at = healthyStory();
    at.want(planStream({ conf: { path: "p", hash: "conf-2" } }));
    at.decide();
    at.want(planStream());
    expect(at.look()).toBe("cancel");
    expect(at.look()).toBe("submit");
    expect(at.document().attempts[0]?.asked).toBe(true);
  });
});

test("a stream on its way is looked at soon, one that rests every ten minutes", () => {
  const at = healthyStory();
  const { streams: settings } = at.settings;
  const after = () => nextLookAt(at.document(), { now: at.now(), settings }) - at.now();
  expect(after()).toBe(600_000);
  at.want(planStream({ env: { VERSION: "2" } }));
  at.look();
  expect(after()).toBe(10_000);
});
