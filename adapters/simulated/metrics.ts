import type { Metrics } from "../../ports/metrics.ts";
import type { MetricName } from "../../schemas/metrics.ts";

export interface Measured {
  readonly name: MetricName;
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** Keeps every measurement, in order. */
export function recordedMetrics(): Metrics & { readonly measured: readonly Measured[] } {
  const measured: Measured[] = [];
  let open = true;
  return {
    measured,
    measure(name, value, labels) {
      if (open && Number.isFinite(value)) measured.push({ name, value, labels });
    },
    async close() {
      open = false;
    },
  };
}
