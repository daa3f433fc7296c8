import { expect, test } from "vitest";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { simulatedBus } from "../../adapters/simulated/bus.ts";
import { serviceLog } from "../../services/log.ts";
import { published } from "../../services/published.ts";
import { landed, tick } from "../support/documents.ts";

function logged(project?: string) {
  const lines: Record<string, unknown>[] = [];
  const to = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const log = serviceLog({ service: "watcher", to, ...(project === undefined ? {} : { project }) });
  return { log, lines };
}

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

test("a line has Cloud Logging's severity, message and time", () => {
  const { log, lines } = logged();
  log.info({ table: "a.b" }, "one");
  log.warn({}, "two");
  log.error({}, "three");
  expect(lines.map(({ severity, message }) => [severity, message])).toEqual([
    ["INFO", "one"],
    ["WARNING", "two"],
    ["ERROR", "three"],
  ]);
  expect(lines[0]).toMatchObject({ table: "a.b", service: "watcher", pid: process.pid });
  expect(new Date(String(lines[0]?.["time"])).getTime()).toBeGreaterThan(0);
});

test("a trace context becomes the fields that join a line to its trace", () => {
  const { log, lines } = logged("acme");
  log.info({ traceparent }, "one");
  expect(lines[0]).toMatchObject({
    "logging.googleapis.com/trace": "projects/acme/traces/4bf92f3577b34da6a3ce929d0e0e4736",
    "logging.googleapis.com/spanId": "00f067aa0ba902b7",
    "logging.googleapis.com/trace_sampled": true,
  });
  expect(lines[0]).not.toHaveProperty("traceparent");
});

test("without a project, or with a garbled context, nothing is linked", () => {
  const here = logged();
  here.log.info({ traceparent }, "one");
  const there = logged("acme");
  there.log.info({ traceparent: "nonsense" }, "one");
  for (const line of [...here.lines, ...there.lines]) {
    expect(Object.keys(line).filter((name) => name.startsWith("logging."))).toEqual([]);
  }
});

test("what a service publishes is told once, in its trace; ticks, and what was refused, are not", async () => {
  const { log, lines } = logged("acme");
  const inner = simulatedBus({ clock: systemClock() });
  const bus = published(inner.open(), log);
  await bus.publish([landed("a.b", 1), landed("a.b", 1, "2025-10-01")], traceparent);
  await bus.publish([tick(1)]);
  await bus.publish([]);
  await bus.close();
  await expect(bus.publish([landed("a.b", 2)])).rejects.toThrow("closed");
  expect(lines).toMatchObject([
    {
      message: "published: a.b@2025-09-30 landed, and 1 more",
      kind: "partition-landed",
      "logging.googleapis.com/trace": "projects/acme/traces/4bf92f3577b34da6a3ce929d0e0e4736",
    },
  ]);
  expect(inner.unacked()).toHaveLength(3);
});
