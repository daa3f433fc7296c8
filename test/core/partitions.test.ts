import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { describe, expect, test } from "vitest";
import {
  addDays,
  countDays,
  dayOf,
  daysIn,
  isPartition,
  partitionAt,
  partitionEndMs,
  partitionOf,
} from "../../core/dates.ts";
import { durationMs, offsetDays } from "../../core/durations.ts";
import {
  collapse,
  type Dependency,
  inputRange,
  missingSteps,
  outputRange,
  stepsOf,
} from "../../core/partitions.ts";
import type { PartitionRange } from "../../schemas/ids.ts";

/** Every day a config or a clock may name. */
const day = fc.integer({ min: -200_000, max: 200_000 }).map(partitionOf);

const range = fc.tuple(fc.integer({ min: 0, max: 30_000 }), fc.integer({ min: 0, max: 60 })).map(
  ([start, length]): PartitionRange => ({
    start: partitionOf(start),
    end: partitionOf(start + length),
  }),
);

const duration = fc.oneof(
  fc.integer({ min: 0, max: 90 }).map((days) => `P${days}D`),
  fc.integer({ min: 0, max: 500 }).map((hours) => `PT${hours}H`),
  fc.integer({ min: 0, max: 9_000 }).map((minutes) => `PT${minutes}M`),
);

const dependency: fc.Arbitrary<Dependency> = fc
  .record({
    startOffset: fc.option(duration),
    endOffset: duration,
    startCutOff: fc.option(fc.integer({ min: 0, max: 30_000 }).map(partitionOf)),
    endCutOff: fc.option(fc.integer({ min: 0, max: 30_000 }).map(partitionOf)),
  })
  .map(({ startOffset, endOffset, startCutOff, endCutOff }) => ({
    startOffset,
    endOffset,
    ...(startCutOff === null ? {} : { startCutOff }),
    ...(endCutOff === null ? {} : { endCutOff }),
  }));

const none = { startOffset: "P0D", endOffset: "P0D" };

describe("days", () => {
  test("agree with the calendar", () => {
    fc.assert(
      fc.property(day, fc.integer({ min: -5_000, max: 5_000 }), (from, days) => {
        const expected = Temporal.PlainDate.from(from).add({ days }).toString();
        expect(addDays(from, days)).toBe(expected);
        expect(partitionOf(dayOf(from))).toBe(from);
      }),
    );
  });

  test("leap days, ends of months and years", () => {
    expect(addDays("2024-02-28", 1)).toBe("2024-02-29");
    expect(addDays("2025-02-28", 1)).toBe("2025-03-01");
    expect(addDays("2000-01-01", -1)).toBe("1999-12-31");
    expect(dayOf("1970-01-01")).toBe(0);
  });

  test("stay within four digits of years, so that they compare as text", () => {
    expect(addDays("2025-01-01", -10_000_000)).toBe("0001-01-01");
    expect(addDays("2025-01-01", 10_000_000)).toBe("9999-12-31");
  });

  test("a day of no calendar is none", () => {
    for (const text of ["2025-02-30", "2025-02-29", "2025-13-01", "20250101", "", "2025-1-1"]) {
      expect(isPartition(text), text).toBe(false);
    }
    expect(isPartition("2024-02-29")).toBe(true);
    expect(() => dayOf("2025-02-30")).toThrow(RangeError);
  });

  test("a partition holds 00:00 to 24:00 UTC", () => {
    expect(partitionEndMs("2025-09-30")).toBe(Date.UTC(2025, 9, 1));
    expect(partitionAt(Date.UTC(2025, 8, 30, 0, 0, 0))).toBe("2025-09-30");
    expect(partitionAt(Date.UTC(2025, 8, 30, 23, 59, 59, 999))).toBe("2025-09-30");
    expect(partitionAt(Date.UTC(2025, 9, 1))).toBe("2025-10-01");
    expect(partitionAt(-1)).toBe("1969-12-31");
  });

  test("a range has as many days as it says", () => {
    fc.assert(
      fc.property(range, (of) => {
        const days = daysIn(of);
        expect(days).toHaveLength(countDays(of));
        expect(days[0]).toBe(of.start);
        expect(days.at(-1)).toBe(of.end);
      }),
    );
    expect(daysIn({ start: "2025-01-02", end: "2025-01-01" })).toEqual([]);
  });
});

describe("offsets", () => {
  test("whole days as they are, parts of days up", () => {
    expect(offsetDays("P0D")).toBe(0);
    expect(offsetDays("P7D")).toBe(7);
    expect(offsetDays("PT24H")).toBe(1);
    expect(offsetDays("PT36H")).toBe(2);
    expect(offsetDays("PT1H")).toBe(1);
    expect(offsetDays("PT30M")).toBe(1);
    expect(durationMs("PT36H")).toBe(36 * 3_600_000);
  });
});

describe("the inputs of an output range", () => {
  const outputs = { start: "2024-01-10", end: "2024-01-15" };

  test("no offsets: the same days", () => {
    expect(inputRange(outputs, none)).toEqual(outputs);
  });

  test("an unbounded start, from a cut-off on", () => {
    const input = { startOffset: null, endOffset: "P0D", startCutOff: "2023-06-01" };
    expect(inputRange(outputs, input)).toEqual({ start: "2023-06-01", end: "2024-01-15" });
  });

  test("an unbounded start without a cut-off has no beginning", () => {
    expect(inputRange(outputs, { startOffset: null, endOffset: "P1D" })).toEqual({
      start: null,
      end: "2024-01-14",
    });
  });

  test("a window and a cut-off: the later start counts", () => {
    const window = { startOffset: "P7D", endOffset: "P0D" };
    expect(inputRange(outputs, { ...window, startCutOff: "2024-01-05" })?.start).toBe("2024-01-05");
    expect(inputRange(outputs, { ...window, startCutOff: "2023-01-05" })?.start).toBe("2024-01-03");
  });

  test("what lies behind a cut-off is not needed", () => {
    expect(inputRange(outputs, { ...none, endCutOff: "2024-01-09" })).toBeNull();
    expect(inputRange(outputs, { ...none, startCutOff: "2024-01-16" })).toBeNull();
    expect(inputRange(outputs, { ...none, endCutOff: "2024-01-12" })?.end).toBe("2024-01-12");
  });

  test("hours go back to the day they reach into: 2024-01-10 - 36h = 2024-01-08", () => {
    const day = { start: "2024-01-10", end: "2024-01-10" };
    expect(inputRange(day, { startOffset: "PT36H", endOffset: "P0D" })?.start).toBe("2024-01-08");
    expect(inputRange(day, { startOffset: null, endOffset: "PT36H" })?.end).toBe("2024-01-08");
  });

  test("of a cumulative table only the latest day is read", () => {
    const cumulative = { startOffset: null, endOffset: "P1D", cumulative: true as const };
    const at = (only: string) => ({ start: only, end: only });
    expect(inputRange(outputs, cumulative)).toEqual(at("2024-01-14"));
    expect(inputRange(outputs, cumulative, "2024-03-01")).toEqual(at("2024-02-29"));
    expect(inputRange(outputs, { ...cumulative, endCutOff: "2023-01-10" })).toEqual(
      at("2023-01-09"),
    );
  });
});

describe("the outputs of an input range: DependencyResolverTest", () => {
  const of = (start: string, end: string) => ({ start: `2024-${start}`, end: `2024-${end}` });

  test.each([
    {
      title: "offsets 0",
      inputs: of("01-01", "01-05"),
      input: none,
      expected: of("01-01", "01-05"),
    },
    {
      title: "startOffset 7d",
      inputs: of("01-01", "01-05"),
      input: { startOffset: "P7D", endOffset: "P0D" },
      expected: of("01-01", "01-12"),
    },
    {
      title: "endOffset 3d",
      inputs: of("01-05", "01-10"),
      input: { startOffset: "P0D", endOffset: "P3D" },
      expected: of("01-08", "01-10"),
    },
    {
      title: "start 30d, end 7d",
      inputs: of("01-10", "01-15"),
      input: { startOffset: "P30D", endOffset: "P7D" },
      expected: of("01-17", "02-14"),
    },
    {
      title: "endOffset 10d",
      inputs: of("01-01", "01-02"),
      input: { startOffset: "P0D", endOffset: "P10D" },
      expected: null,
    },
  ])("$title", ({ inputs, input, expected }) => {
    expect(outputRange(inputs, input)).toEqual(expected);
  });

  test("an unbounded start ends with the outputs whose last input it is", () => {
    const unbounded = { startOffset: null, endOffset: "P2D" };
    expect(outputRange(of("01-01", "01-01"), unbounded)).toEqual(of("01-03", "01-03"));
  });

  test("partitions outside the cut-offs reach nothing", () => {
    const cut = { ...none, startCutOff: "2024-01-03", endCutOff: "2024-01-04" };
    expect(outputRange(of("01-01", "01-02"), cut)).toBeNull();
    expect(outputRange(of("01-05", "01-06"), cut)).toBeNull();
    expect(outputRange(of("01-01", "01-09"), cut)).toEqual(of("01-03", "01-04"));
  });
});

describe("the two range functions are inverse", () => {
  test("each output of an input reads that input", () => {
    fc.assert(
      fc.property(range, dependency, ({ start }, input) => {
        const outputs = outputRange({ start, end: start }, input);
        for (const output of outputs === null ? [] : daysIn(outputs)) {
          const read = inputRange({ start: output, end: output }, input);
          expect(read, output).not.toBeNull();
          expect((read?.start ?? start) <= start && start <= (read?.end ?? "")).toBe(true);
        }
      }),
    );
  });

  test("each bounded input of an output has that output among its outputs", () => {
    fc.assert(
      fc.property(range, dependency, ({ start: output }, input) => {
        fc.pre(input.startOffset !== null);
        const read = inputRange({ start: output, end: output }, input);
        const first = read?.start ?? null;
        if (read === null || first === null) return;
        for (const partition of daysIn({ start: first, end: read.end })) {
          const outputs = outputRange({ start: partition, end: partition }, input);
          expect(outputs, partition).not.toBeNull();
          expect((outputs?.start ?? "") <= output && output <= (outputs?.end ?? "")).toBe(true);
        }
      }),
    );
  });

  test("a longer range reads what its days read", () => {
    fc.assert(
      fc.property(range, dependency, (outputs, input) => {
        const whole = inputRange(outputs, input);
        const reads = daysIn(outputs)
          .map((output) => inputRange({ start: output, end: output }, input))
          .filter((read) => read !== null);
        for (const read of reads) {
          expect(whole).not.toBeNull();
          expect((whole?.start ?? "") <= (read.start ?? "")).toBe(true);
          expect(read.end <= (whole?.end ?? "")).toBe(true);
        }
      }),
    );
  });
});

describe("steps", () => {
  test("the last may be short", () => {
    expect(stepsOf({ start: "2024-01-01", end: "2024-01-07" }, 3)).toEqual([
      { start: "2024-01-01", end: "2024-01-03" },
      { start: "2024-01-04", end: "2024-01-06" },
      { start: "2024-01-07", end: "2024-01-07" },
    ]);
  });

  test("what exists splits the rest", () => {
    const required = { start: "2024-01-01", end: "2024-01-06" };
    expect(missingSteps(required, new Set(["2024-01-03"]), 2)).toEqual([
      { start: "2024-01-01", end: "2024-01-02" },
      { start: "2024-01-04", end: "2024-01-05" },
      { start: "2024-01-06", end: "2024-01-06" },
    ]);
    expect(missingSteps(required, new Set(daysIn(required)), 2)).toEqual([]);
  });

  test("missing steps are exactly what is missing, each no longer than asked", () => {
    const steps = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(range, fc.array(fc.nat(60)), steps, (required, offsets, stepDays) => {
        const existing = new Set(offsets.map((offset) => addDays(required.start, offset)));
        const missing = missingSteps(required, existing, stepDays);
        const expected = daysIn(required).filter((each) => !existing.has(each));
        expect(missing.flatMap(daysIn)).toEqual(expected);
        expect(missing.every((step) => countDays(step) <= stepDays)).toBe(true);
      }),
    );
  });

  test("consecutive days collapse, doubled ones count once", () => {
    expect(
      collapse(["2024-01-03", "2024-01-01", "2024-01-02", "2024-01-02", "2024-01-09"]),
    ).toEqual([
      { start: "2024-01-01", end: "2024-01-03" },
      { start: "2024-01-09", end: "2024-01-09" },
    ]);
    expect(collapse([])).toEqual([]);
  });
});
