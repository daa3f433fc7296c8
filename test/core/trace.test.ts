import fc from "fast-check";
import { expect, test } from "vitest";
import { traceOf } from "../../core/trace.ts";
import { partsOfTrace, readTrace } from "../../schemas/trace.ts";

const [trace, span] = ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"];

test("a cause begins the same trace whoever works it out, and another cause another", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      expect(readTrace(traceOf(one))).toBe(traceOf(one));
      expect(traceOf(one) === traceOf(other)).toBe(one === other);
    }),
  );
});

test("a trace context has the parts that W3C gives it", () => {
  expect(partsOfTrace(`00-${trace}-${span}-01`)).toEqual({ trace, span, sampled: true });
  expect(partsOfTrace(`01-${trace}-${span}-02`)).toEqual({ trace, span, sampled: false });
});

test.each([
  ["nothing", undefined],
  ["no text", 7],
  ["another text", "Bearer abc"],
  ["capitals", `00-${trace.toUpperCase()}-${span}-01`],
  ["a trace of zeros", `00-${"0".repeat(32)}-${span}-01`],
  ["a span of zeros", `00-${trace}-${"0".repeat(16)}-01`],
  ["version ff", `ff-${trace}-${span}-01`],
  ["a second line", `00-${trace}-${span}-01\nx`],
])("%s is none", (_, text) => {
  expect(readTrace(text)).toBeUndefined();
  expect(partsOfTrace(String(text))).toBeNull();
});
