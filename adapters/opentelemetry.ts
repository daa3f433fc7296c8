import type { Attributes } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";
import type { Log } from "../ports/log.ts";
import type { Metrics } from "../ports/metrics.ts";
import { METRICS, type MetricFacts, type MetricName } from "../schemas/metrics.ts";

export interface OpenTelemetryOptions {
  readonly exporter: PushMetricExporter;
  readonly everyMs: number;
  /** What measures: service, deployment, project. */
  readonly resource: Attributes;
  readonly log: Log;
}

/** How long an export may take, and the last one when a process ends. */
const exportMsMax = 10_000;
const closeMsMax = 2_000;

/** Seconds: a claim takes some milliseconds, a backfill a day. */
const bounds = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_200, 1_800,
  3_600, 7_200, 14_400, 28_800, 86_400,
];

/** Sums up by OpenTelemetry's SDK, which exports in the background. */
export function openTelemetryMetrics(options: OpenTelemetryOptions): Metrics {
  const { everyMs, resource, log } = options;
  const reader = new PeriodicExportingMetricReader({
    exporter: toldOf(options.exporter, log),
    exportIntervalMillis: everyMs,
    exportTimeoutMillis: Math.min(everyMs, exportMsMax),
  });
  const provider = new MeterProvider({
    resource: resourceFromAttributes(resource),
    readers: [reader],
  });
  const instruments = instrumentsOf(provider);
  return {
    measure(name, value, labels) {
      if (Number.isFinite(value)) instruments[name](value, labels);
    },
    async close() {
      const ended = provider.shutdown({ timeoutMillis: closeMsMax }).catch(() => {});
      await Promise.race([ended, late(closeMsMax)]);
    },
  };
}

async function late(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms).unref());
}

type Instrument = (value: number, labels: Attributes) => void;

function instrumentsOf(provider: MeterProvider): Readonly<Record<MetricName, Instrument>> {
  const meter = provider.getMeter("landfall");
  const instrument = (name: string, { kind, unit, what: description }: MetricFacts): Instrument => {
    switch (kind) {
      case "counter": {
        const counter = meter.createCounter(name, { unit, description });
        return (value, labels) => counter.add(value, labels);
      }
      case "gauge": {
        const gauge = meter.createGauge(name, { unit, description });
        return (value, labels) => gauge.record(value, labels);
      }
      case "histogram": {
        const advice = { explicitBucketBoundaries: bounds };
        const histogram = meter.createHistogram(name, { unit, description, advice });
        return (value, labels) => histogram.record(value, labels);
      }
    }
  };
  const made = Object.entries(METRICS).map(([name, facts]) => [name, instrument(name, facts)]);
  return Object.fromEntries(made) as Readonly<Record<MetricName, Instrument>>;
}

/** Tells the log of exports that fail, once as long as they fail alike. */
function toldOf(exporter: PushMetricExporter, log: Log): PushMetricExporter {
  let trouble: string | null = null;
  return {
    export(metrics, done) {
      exporter.export(metrics, (result) => {
        const reason = result.error === undefined ? null : result.error.message;
        if (reason !== null && reason !== trouble) {
          log.warn({ reason }, "metrics could not be delivered; what is measured next may be");
        }
        trouble = reason;
        done(result);
      });
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
    ...(exporter.selectAggregationTemporality === undefined
      ? {}
      : {
          selectAggregationTemporality: (kind) =>
            exporter.selectAggregationTemporality?.(kind) ?? cumulative,
        }),
  };
}

const cumulative = 1;
