import type { PushMetricExporter } from "@opentelemetry/sdk-metrics";
import type { Log } from "../../ports/log.ts";

/** Exports to the log: a line for each metric with each of its labels. */
export function logExporter(log: Log): PushMetricExporter {
  return {
    export({ scopeMetrics }, done) {
      for (const { metrics } of scopeMetrics) {
        for (const { descriptor, dataPoints } of metrics) {
          for (const { attributes, value } of dataPoints) {
            const summed = typeof value === "number" ? { value } : totalsOf(value);
            const fields = { metric: descriptor.name, labels: attributes, ...summed };
            log.info(fields, `metric ${descriptor.name}`);
          }
        }
      }
      done({ code: 0 });
    },
    async forceFlush() {},
    async shutdown() {},
  };
}

function totalsOf(value: object): object {
  const { count, sum, min, max } = value as Record<string, number>;
  return { count, sum, min, max };
}
