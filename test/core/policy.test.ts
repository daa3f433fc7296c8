import { expect, test } from "vitest";
import { policyOf } from "../../core/policy.ts";
import { Settings } from "../../schemas/settings.ts";
import { input, planOf, step } from "../support/plan.ts";
import { world } from "../support/world.ts";

const hour = 3_600_000;
const settled = { externalClosing: { when: "at-landing" } } as const;

test("each part is as the nearest says: the team for its mode, the team, the mode, all", () => {
  const settings = Settings.parse({
    timeoutMs: 9 * hour,
    giveUpHours: 30,
    retries: { infrastructure: { max: 7 } },
    modes: {
      upload: { timeoutMs: hour, retries: { job: { max: 4 } }, giveUpHours: 20 },
    },
    teams: {
      risk: {
        timeoutMs: 2 * hour,
        giveUpHours: null,
        modes: { upload: { retries: { job: { delayMs: 5 } } } },
      },
    },
  });
  expect(policyOf(settings, { team: "risk", mode: "upload" })).toEqual({
    retries: { job: { max: 4, delayMs: 5 }, infrastructure: { max: 7, delayMs: 60_000 } },
    timeoutMs: 2 * hour,
    giveUpHours: null,
    maxActiveRuns: null,
    headStartMs: 0,
  });
  const of = (team: string, mode: string) => policyOf(settings, { team, mode });
  expect(of("growth", "upload")).toMatchObject({ timeoutMs: hour, giveUpHours: 20 });
  expect(of("growth", "backfill")).toMatchObject({ timeoutMs: 9 * hour, giveUpHours: 30 });
  expect(of("constructor", "toString").timeoutMs).toBe(9 * hour);
});

test("a team's retries and time limit are kept, and are not another's", () => {
  const plan = planOf(
    step("a", [input("data.events")]),
    step("b", [input("data.events")], { team: "growth" }),
  );
  const teams = { growth: { timeoutMs: hour, retries: { job: { max: 0 } } } };
  const w = world(plan, { ...settled, ...Settings.parse({ ...settled, teams }) });
  w.land("data.events", "2025-09-29");
  w.fail("a/backfill@2025-09-29");
  w.fail("b/backfill@2025-09-29");
  expect(w.state("a/backfill@2025-09-29")).toBe("retrying");
  expect(w.state("b/backfill@2025-09-29")).toBe("failed");

  w.land("data.events", "2025-09-30");
  w.pass(60_001);
  for (const config of ["a", "b"]) {
    const id = `${config}/backfill@2025-09-30`;
    w.wake(id, w.task(id)?.runs[0]?.attempts[0]?.jobId ?? null);
  }
  w.pass(hour);
  for (const config of ["a", "b"]) w.wake(`${config}/backfill@2025-09-30`);
  expect(w.state("a/backfill@2025-09-30")).toBe("running");
  expect(w.why("b/backfill@2025-09-30")).toBe("ran longer than 1 h; its job is being cancelled");
});
