import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { openMetrics } from "../../adapters/open-metrics.ts";
import { recordedMetrics } from "../../adapters/simulated/metrics.ts";
import { type Log, silentLog } from "../../ports/log.ts";
import { METRICS } from "../../schemas/metrics.ts";
import { MetricsSettings } from "../../schemas/metrics-settings.ts";
import { type Arrived, describeMetrics } from "./metrics.contract.ts";

function seriesOf(name: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
  return `${name}{${pairs.toSorted().join(",")}}`;
}

const sorted = (arrived: Map<string, number>): Arrived =>
  new Map([...arrived].toSorted(([a], [b]) => (a < b ? -1 : 1)));

describeMetrics("simulated", async () => {
  let metrics = recordedMetrics();
  return {
    open() {
      metrics = recordedMetrics();
      return metrics;
    },
    async arrived() {
      const arrived = new Map<string, number>();
      for (const { name, value, labels } of metrics.measured) {
        const series = seriesOf(name, labels);
        const before = arrived.get(series) ?? 0;
        const { kind } = METRICS[name];
        arrived.set(series, kind === "gauge" ? value : before + (kind === "counter" ? value : 1));
      }
      return sorted(arrived);
    },
    dispose: async () => {},
  };
});

function opened(more: object, log: Log = silentLog) {
  const metrics = MetricsSettings.parse({ exportMs: 600_000, ...more });
  return openMetrics({ deployment: "landfall", metrics }, { service: "tracker", log });
}

describeMetrics("log", async () => {
  const arrived = new Map<string, number>();
  const log: Log = {
    ...silentLog,
    info(fields) {
      const { metric, labels, value, count } = fields as {
        metric: string;
        labels: Record<string, string>;
        value?: number;
        count?: number;
      };
      arrived.set(seriesOf(metric, labels), value ?? count ?? 0);
    },
  };
  return {
    open: () => opened({ to: "log" }, log),
    arrived: async () => sorted(arrived),
    dispose: async () => {},
  };
});

interface Point {
  readonly attributes: readonly { readonly key: string; readonly value: { stringValue: string } }[];
  readonly asDouble?: number;
  readonly count?: number;
}

/** A receiver of OTLP over HTTP, and the bodies it got. */
async function collector(behaviour: "accepts" | "refuses" | "is silent" = "accepts") {
  const bodies: string[] = [];
  const server: Server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      bodies.push(body);
      if (behaviour !== "is silent")
        response.writeHead(behaviour === "accepts" ? 200 : 403).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1/metrics`,
    bodies,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function pointsIn(body: string): Map<string, number> {
  const { resourceMetrics } = JSON.parse(body);
  const found = new Map<string, number>();
  for (const { scopeMetrics } of resourceMetrics) {
    for (const { metrics } of scopeMetrics) {
      for (const { name, sum, gauge, histogram } of metrics) {
        for (const point of (sum ?? gauge ?? histogram).dataPoints as Point[]) {
          const labels = point.attributes.map(({ key, value }) => [key, value.stringValue]);
          const series = seriesOf(name, Object.fromEntries(labels));
          found.set(series, point.asDouble ?? point.count ?? 0);
        }
      }
    }
  }
  return found;
}

describeMetrics("OTLP", async () => {
  const receiver = await collector();
  return {
    open: () => opened({ to: "otlp", url: receiver.url }),
    arrived: async () => sorted(pointsIn(receiver.bodies.at(-1) ?? '{"resourceMetrics":[]}')),
    dispose: () => receiver.close(),
  };
});

describe("a receiver that does not take metrics holds up nobody", () => {
  for (const behaviour of ["refuses", "is silent"] as const) {
    test(behaviour, async () => {
      const receiver = await collector(behaviour);
      const lines: string[] = [];
      const log: Log = { ...silentLog, warn: (fields) => lines.push(JSON.stringify(fields)) };
      const metrics = await opened({ to: "otlp", url: receiver.url }, log);
      metrics.measure("landfall.pool.used", 1, { pool: "spark" });
      const began = performance.now();
      await metrics.close();
      expect(performance.now() - began).toBeLessThan(2_600);
      expect(receiver.bodies).toHaveLength(1);
      if (behaviour === "refuses") expect(lines).toEqual([expect.stringContaining("reason")]);
      await receiver.close();
    });
  }

  test("it is told who measures", async () => {
    const receiver = await collector();
    const metrics = await opened({ to: "otlp", url: receiver.url });
    metrics.measure("landfall.pool.used", 1, { pool: "spark" });
    await metrics.close();
    const [{ resource }] = JSON.parse(receiver.bodies[0] ?? "").resourceMetrics;
    expect(JSON.stringify(resource.attributes)).toContain(
      '{"key":"service.name","value":{"stringValue":"tracker"}}',
    );
    await receiver.close();
  });
});
