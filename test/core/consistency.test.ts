import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  consistencyLine,
  featuresOf,
  publishedOf,
  type Row,
  rateColumns,
  ratesOf,
} from "../../core/consistency.ts";
import { input, planOf, step } from "../support/plan.ts";
import { world } from "../support/world.ts";

/** Columns of a feature of numbers, as Chronon names and orders them. */
const ofNumbers = (feature: string) =>
  [
    "both_null_sum",
    "left_approx_percentile",
    "left_minus_right_approx_percentile",
    "left_null_sum",
    "mismatch_sum",
    "right_approx_percentile",
    "right_null_sum",
    "smape_average",
    "total_count",
  ].map((metric) => `${feature}_${metric}`);

/** Columns of a feature of lists. */
const ofLists = (feature: string) =>
  [
    "both_null_sum",
    "edit_distance_delete_approx_percentile",
    "edit_distance_insert_approx_percentile",
    "left_length_approx_percentile",
    "left_null_sum",
    "mismatch_length_sum",
    "mismatch_sum",
    "right_length_approx_percentile",
    "right_null_sum",
    "total_count",
  ].map((metric) => `${feature}_${metric}`);

function hour(feature: string, total: number, more: Readonly<Record<string, number>> = {}): Row {
  const counts = { both_null: 0, left_null: 0, mismatch: 0, right_null: 0, ...more };
  const sums = Object.entries(counts).map(([of, n]) => [`${feature}_${of}_sum`, BigInt(n)]);
  return { ...Object.fromEntries(sums), [`${feature}_total_count`]: BigInt(total) };
}

describe("features are read out of the names of columns", () => {
  test("whatever a feature is called: as a metric, or as another feature and a metric", () => {
    const features = ["amount_sum", "amount", "late_mismatch_sum", "late", "x_total_count", "x"];
    const columns = [
      "JoinPath",
      ...features.flatMap(ofNumbers),
      ...ofLists("seen_sum"),
      "ts",
      "ds",
    ];
    expect(featuresOf(columns)).toEqual([...features, "seen_sum"]);
  });

  test("columns that nobody knows yet are no features and are not read", () => {
    const columns = ["JoinPath", ...ofLists("a"), "a_cosine_average", "note", "_total_count", "ts"];
    expect(featuresOf(columns)).toEqual(["a"]);
    expect(rateColumns(columns)).toEqual([
      "a_both_null_sum",
      "a_left_null_sum",
      "a_mismatch_sum",
      "a_right_null_sum",
      "a_total_count",
    ]);
  });

  test("any names of features come back, and a feature reads none of another's columns", () => {
    const word = fc.constantFrom("a", "sum", "mismatch", "left", "null", "total", "count", "7d");
    const feature = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join("_"));
    fc.assert(
      fc.property(fc.uniqueArray(feature, { minLength: 1, maxLength: 8 }), (features) => {
        const columns = features.flatMap(ofNumbers);
        // Where one feature's name and a metric make the column of another's, Chronon has one column.
        fc.pre(new Set(columns).size === columns.length);
        expect(featuresOf(columns)).toEqual(features);
        const row = Object.assign({}, ...features.map((name, at) => hour(name, at + 1))) as Row;
        const rates = ratesOf(featuresOf(columns), [row]);
        for (const { feature: name, compared } of rates) {
          expect(compared).toBe(features.indexOf(name) + 1);
        }
      }),
    );
  });
});

describe("rates", () => {
  test("hours add up; what only one side has is no match, what neither has is", () => {
    const rows = [
      hour("f", 100, { mismatch: 1, left_null: 2, both_null: 50 }),
      hour("f", 300, { right_null: 1 }),
    ];
    expect(ratesOf(["f"], rows)).toEqual([
      {
        feature: "f",
        match: 99,
        compared: 400,
        mismatched: 1,
        onlineOnly: 2,
        offlineOnly: 1,
        bothNull: 50,
      },
    ]);
  });

  test("a feature that came at noon counts from noon on", () => {
    const { compared, match } =
      ratesOf(["g"], [hour("f", 10), hour("g", 10, { mismatch: 5 })])[0] ?? {};
    expect([compared, match]).toEqual([10, 50]);
  });

  test("one mismatch in ten million is not all, and nothing compared is no rate", () => {
    const [almost, never] = ratesOf(["f", "n"], [hour("f", 10_000_000, { mismatch: 1 })]);
    expect([almost?.match, never?.match]).toEqual([99.9999, null]);
  });

  test("the worst come first, equal ones by name, what was never compared last", () => {
    const rows = [{ ...hour("b", 10), ...hour("a", 10), ...hour("z", 10, { mismatch: 9 }) }];
    const order = ratesOf(["n", "b", "a", "z"], rows).map(({ feature }) => feature);
    expect(order).toEqual(["z", "a", "b", "n"]);
  });

  test.each([["ten"], [-1], [Number.NaN], [0.5], [[1]]])("%j is no count", (value) => {
    expect(() => ratesOf(["f"], [{ f_total_count: value }])).toThrow(
      /^column f_total_count holds .*, which is no count$/,
    );
  });

  test("a rate is between 0 and 100, and all of it when nothing differs", () => {
    const count = fc.nat(1_000);
    fc.assert(
      fc.property(fc.array(fc.tuple(count, count, count, count), { maxLength: 24 }), (hours) => {
        const rows = hours.map(([same, mismatch, left, right]) =>
          hour("f", same + mismatch + left + right, {
            mismatch,
            left_null: left,
            right_null: right,
          }),
        );
        const { match, compared } = ratesOf(["f"], rows)[0] ?? { match: -1, compared: -1 };
        const same = hours.reduce((sum, [n]) => sum + n, 0);
        expect(match === null).toBe(compared === 0);
        expect(match === 100).toBe(same === compared && compared > 0);
        expect(match ?? 0).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe("what is published", () => {
  const about = {
    join: "risk.checkout",
    team: "risk",
    partition: "2025-09-30",
    table: "out.risk_checkout_consistency",
    hours: 24,
    at: 1,
  };

  test("all features together weigh as they were compared; a line names the worst", () => {
    const rates = ratesOf(["a", "b"], [{ ...hour("a", 900), ...hour("b", 100, { mismatch: 10 }) }]);
    const found = publishedOf(about, rates);
    expect([found.match, found.compared]).toEqual([99, 2]);
    expect(consistencyLine(found)).toBe(
      "99 % of what 2 features served match the offline join; the worst is b with 90 %",
    );
  });

  test("a thousand features are shown, the worst of them; a day without requests says so", () => {
    const names = Array.from({ length: 1_500 }, (_, at) => `f${at}`);
    const row = Object.assign({}, ...names.map((name, at) => hour(name, 1_500, { mismatch: at })));
    const found = publishedOf(about, ratesOf(names, [row as Row]));
    expect([found.compared, found.features.length]).toEqual([1_500, 1_000]);
    expect(found.features[0]?.feature).toBe("f1499");
    expect(consistencyLine(publishedOf(about, []))).toBe("no requests were compared");
  });
});

describe("the task of publish-metrics", () => {
  const plan = planOf(
    step("join", [input("out.consistency")], {
      mode: "publish-metrics",
      confType: "joins",
      output: "",
      effect: "none",
      verification: "published",
    }),
  );
  const task = "join/publish-metrics@2025-09-30";
  const settings = { externalClosing: { when: "at-landing" } } as const;

  test("I5: has succeeded when its document is there, and says what is in it", () => {
    const w = world(plan, settings);
    w.land("out.consistency", "2025-09-30");
    w.settle(task);
    expect(w.why(task)).toContain("nothing was published");
    w.pass(3_600_000);
    w.wake(task);
    const about = { join: "join", team: "risk", table: "out.consistency", hours: 1, at: w.now() };
    const rates = ratesOf(["f"], [hour("f", 10, { mismatch: 1 })]);
    w.publish(publishedOf({ ...about, partition: "2025-09-30" }, rates));
    w.settle(task);
    expect(w.state(task)).toBe("succeeded");
    expect(w.why(task)).toBe(
      "done: 90 % of what 1 feature served match the offline join; the worst is f with 90 %",
    );
  });

  test("I4: metrics that are computed again are published again", () => {
    const w = world(plan, settings);
    w.land("out.consistency", "2025-09-30", 1);
    const about = { join: "join", team: "risk", table: "out.consistency", hours: 0, at: w.now() };
    w.publish(publishedOf({ ...about, partition: "2025-09-30" }, []));
    w.settle(task);
    w.land("out.consistency", "2025-09-30", 2);
    expect(w.state(task)).toBe("launching");
    expect(w.task(task)?.runs.at(-1)?.because).toBe("out.consistency@2025-09-30 landed again");
  });
});
