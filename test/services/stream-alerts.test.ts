import { afterEach, expect, test } from "vitest";
import type { StreamDocument, StreamTrouble } from "../../schemas/streams.ts";
import { type AlertingPlace, alertingPlace } from "../support/alerting-place.ts";
import { healthyStory } from "../support/stream-story.ts";
import { put } from "../support/task-stores.ts";

const now = Date.parse("2025-10-02T06:00:00Z");

let at: AlertingPlace;

afterEach(() => at.close());

const trouble = (kind: StreamTrouble["kind"], sentence: string): StreamTrouble => ({
  kind,
  sentence,
  since: now,
});

/** Streams with what is wrong with each. */
async function streams(troubles: Readonly<Record<string, readonly StreamTrouble[]>>) {
  const { store } = at.ports;
  const healthy = healthyStory().document();
  for (const [config, of] of Object.entries(troubles)) {
    const document: StreamDocument = { ...healthy, config, troubles: [...of] };
    await put(store, `streams/${config}`, document);
  }
  await put(store, "streaming/all", { schema: 1, configs: Object.keys(troubles) });
}

test("a stream's trouble is one alert as long as it lasts, whatever is said of it meanwhile", async () => {
  at = await alertingPlace(now);
  const look = at.looks();
  await streams({ "risk.a": [trouble("stream-down", "is starting: it completed no checkpoint")] });
  await look();
  await streams({ "risk.a": [trouble("stream-down", "job 7 failed: out of memory")] });
  await look();
  expect(at.told()).toEqual(["opened stream-down risk 1"]);
  const [alert] = await at.open();
  expect(alert).toMatchObject({
    priority: "P1",
    summary: "stream down: risk.a: job 7 failed: out of memory",
  });
  await streams({ "risk.a": [] });
  await look();
  at.passes(60_000);
  await look();
  expect(at.told()).toEqual(["opened stream-down risk 1", "closed stream-down risk 1"]);
});

test("kinds are alerts of their own, and many streams of a team are one", async () => {
  at = await alertingPlace(now);
  const look = at.looks();
  const down = [trouble("stream-down", "its cluster is gone")];
  const names = Array.from({ length: 30 }, (_, n) => `risk.s${n}`);
  await streams({
    "risk.lost": [trouble("stream-state-lost", "its manifest is gone")],
    "risk.twice": [trouble("stream-duplicated", "2 jobs write its rows: a, b")],
    ...Object.fromEntries(names.map((name) => [name, down])),
  });
  await look();
  expect(at.told().toSorted((a, b) => a.localeCompare(b))).toEqual([
    "opened stream-down risk 30",
    "opened stream-duplicated risk 1",
    "opened stream-state-lost risk 1",
  ]);
});
