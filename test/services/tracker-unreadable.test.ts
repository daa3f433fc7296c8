import { afterEach, expect, test } from "vitest";
import { RetryableError } from "../../ports/errors.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { step } from "../support/plan.ts";
import { jobOf, type TrackerPlace, trackerPlace } from "../support/tracker-place.ts";

let at: TrackerPlace;

afterEach(() => at.close());

test("ends whose output cannot be read keep no other end waiting, however many they are", async () => {
  const hidden = step("hidden", [], { stepDays: 100 });
  const seen = step("seen", []);
  at = await trackerPlace([hidden, seen]);
  const refusing = (name: string) =>
    name.startsWith("out/hidden") || name.startsWith("out.db/hidden");
  const lake: ObjectStore = {
    ...at.lake,
    list: (prefix, options) =>
      refusing(prefix)
        ? Promise.reject(new RetryableError(`cannot list ${prefix}: permission denied`))
        : at.lake.list(prefix, options),
  };
  const runner = at.open();
  at.track(runner, { lake });
  const days = Array.from({ length: 80 }, (_, n) =>
    new Date(Date.parse("2025-06-01T00:00:00Z") + n * 86_400_000).toISOString().slice(0, 10),
  );
  for (const day of days) await runner.submit(jobOf(hidden, { start: day, end: day }));
  const [first = ""] = days;
  await runner.submit(jobOf(seen, { start: first, end: first }));
  const [report] = await at.reports(1);
  expect(report?.task).toBe(`seen/backfill@${first}`);
});
