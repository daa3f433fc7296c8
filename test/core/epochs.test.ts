import { describe, expect, test } from "vitest";
import { epochsOf, isRestarted } from "../../core/epochs.ts";

const a = (n: number) => ({ n, tableId: "a" });
const b = (n: number) => ({ n, tableId: "b" });

describe("epochs", () => {
  test("without a cursor they begin at 0 and grow with metaData.id", () => {
    const epochOf = epochsOf([a(0), a(2), b(5), a(7)], null, 9);
    expect([0, 4, 5, 6, 7, 9].map(epochOf)).toEqual([0, 0, 1, 1, 2, 2]);
  });

  test("they continue from the cursor, in both directions", () => {
    const cursor = { tableId: "b", epoch: 3, contiguous: 6 };
    const epochOf = epochsOf([a(0), b(5), a(7)], cursor, 9);
    expect([4, 5, 6, 7].map(epochOf)).toEqual([2, 3, 3, 4]);
  });

  test("another log than the cursor's is a new epoch from its first commit on", () => {
    const cursor = { tableId: "a", epoch: 3, contiguous: 6 };
    expect(epochsOf([b(0)], cursor, 8)(0)).toBe(4);
    expect(isRestarted([b(0)], cursor, 8)).toBe(true);
  });

  test("a shorter log is another one although its id is the same", () => {
    const cursor = { tableId: "a", epoch: 0, contiguous: 6 };
    expect(epochsOf([a(0)], cursor, 2)(1)).toBe(1);
    expect(isRestarted([a(0)], cursor, 6)).toBe(false);
  });

  test("a log whose beginning was cleaned up is the same", () => {
    const cursor = { tableId: "a", epoch: 2, contiguous: 6 };
    expect(isRestarted([], cursor, 8)).toBe(false);
    expect(epochsOf([], cursor, 8)(8)).toBe(2);
    expect(epochsOf([b(8)], cursor, 9)(8)).toBe(2);
  });
});
