import fc from "fast-check";
import { expect, test } from "vitest";
import { dayOfSlot, slotOf } from "../../adapters/gcp/dataproc-labels.ts";
import type { SeenJob } from "../../adapters/gcp/dataproc-status.ts";
import { fleetWatch } from "../../adapters/gcp/fleet-watch.ts";
import type { Fleet, Period } from "../../adapters/gcp/fleets.ts";
import { notRemembered } from "../../adapters/gcp/forgotten-jobs.ts";
import { simulatedTime } from "../../adapters/simulated/clock.ts";
import { randomOf } from "../../adapters/simulated/random.ts";
import { silentLog } from "../../ports/log.ts";
import { DataprocSettings } from "../../schemas/dataproc.ts";

const start = Date.parse("2026-03-02T22:51:00Z");
const minute = 60_000;
const settings = DataprocSettings.parse({ project: "p", configs: "gs://c" });

/** When it is submitted and how long it takes, and whether somebody deletes it half-way. */
interface Life {
  readonly at: number;
  readonly lastsMs: number;
  readonly deleted: boolean;
}

const lives = fc.array(
  fc.record({
    at: fc.integer({ min: -26 * 60 * minute, max: 180 * minute }),
    lastsMs: fc.oneof(
      fc.integer({ min: 1, max: minute }),
      fc.integer({ min: 1, max: 90 * minute }),
    ),
    deleted: fc.boolean(),
  }),
  { maxLength: 30 },
);
/** Stretches of time in which no list is answered. */
const outages = fc.array(
  fc.record({
    at: fc.integer({ min: 0, max: 180 * minute }),
    lastsMs: fc.integer({ min: 0, max: 40 * minute }),
  }),
  { maxLength: 4 },
);

function seen(life: Life, index: number, now: number): SeenJob {
  const submitted = start + life.at;
  const over = now >= submitted + life.lastsMs;
  return {
    slot: slotOf(submitted),
    timeoutMs: 24 * 60 * minute,
    status: {
      jobId: `job-${index}`,
      task: "a/backfill@2026-03-01",
      run: 1,
      attempt: 1,
      state: over ? "succeeded" : "running",
      startedAt: submitted,
      endedAt: over ? submitted + life.lastsMs : null,
      error: null,
      blame: "job",
      log: null,
    },
  };
}

test("W1 to W4: whenever jobs end, are deleted and lists fail, each end is told once", async () => {
  await fc.assert(
    fc.asyncProperty(lives, outages, fc.integer(), async (jobs, dark, seed) => {
      const time = simulatedTime({ start, random: randomOf(seed, "watch") });
      let lists = 0;
      let endedLists = 0;
      const listed = (period: Period | null): SeenJob[] => {
        lists += 1;
        const now = time.now();
        if (dark.some(({ at, lastsMs }) => start + at <= now && now < start + at + lastsMs)) {
          throw new Error("no answer");
        }
        return jobs.flatMap((life, index) => {
          const since = now - (start + life.at);
          if (since < 0 || (life.deleted && since >= life.lastsMs / 2)) return [];
          const job = seen(life, index, now);
          const over = job.status.state === "succeeded";
          if (period === null) return over ? [] : [job];
          const within =
            "day" in period ? dayOfSlot(job.slot) === period.day : job.slot === period.slot;
          return over && within ? [job] : [];
        });
      };
      const fleet: Fleet = {
        name: "jobs in a test",
        active: async () => listed(null),
        async ended(period) {
          endedLists += 1;
          return listed(period);
        },
        cancel: async () => "unknown",
      };
      const watch = fleetWatch({
        fleet,
        clock: time,
        settings,
        forgotten: notRemembered,
        explain: async (job) => job,
        log: silentLog,
      });
      const told = new Map<string, string[]>();
      const ever = new Set<string>();
      watch.statuses().subscribe(({ jobId, state }) => {
        ever.add(jobId);
        if (state === "running") return;
        told.set(jobId, [...(told.get(jobId) ?? []), state]);
      });
      await time.runUntil(start + 330 * minute);
      watch.close();
      await time.runUntil(start + 331 * minute);
      for (const [index, life] of jobs.entries()) {
        const id = `job-${index}`;
        if (life.deleted) {
          // Somebody deleted it: an end for whoever saw it, nothing for whoever never did.
          expect(told.get(id) ?? []).toEqual(ever.has(id) ? ["vanished"] : []);
        } else expect(told.get(id), `${id} ${JSON.stringify(life)}`).toEqual(["succeeded"]);
      }
      // Looks, not jobs, decide how often Dataproc is asked: two lists a look, rarely three.
      expect(lists).toBeLessThan(2.2 * (330 * 12) + 40 * jobs.length);
      expect(endedLists).toBeGreaterThan(0);
    }),
    { numRuns: 60 },
  );
}, 60_000);

test("W3: the end of a job that no list showed while it ran is told within the hour", async () => {
  const time = simulatedTime({ start, random: randomOf(1, "watch") });
  const life: Life = { at: 10 * minute, lastsMs: 30 * minute, deleted: false };
  const ended = (): SeenJob[] => {
    const job = seen(life, 0, time.now());
    return job.status.state === "succeeded" ? [job] : [];
  };
  const watch = fleetWatch({
    fleet: {
      name: "jobs in a test",
      active: async () => [],
      ended: async (period) =>
        ended().filter(({ slot }) =>
          "day" in period ? dayOfSlot(slot) === period.day : slot === period.slot,
        ),
      cancel: async () => "unknown",
    },
    clock: time,
    settings,
    forgotten: notRemembered,
    explain: async (job) => job,
    log: silentLog,
  });
  const told: number[] = [];
  watch.statuses().subscribe(() => told.push(time.now()));
  await time.runUntil(start + 240 * minute);
  watch.close();
  expect(told).toHaveLength(1);
  expect(told[0]).toBeLessThanOrEqual(start + life.at + life.lastsMs + 61 * minute);
});
