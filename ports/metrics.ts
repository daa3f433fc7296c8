import type { LabelsOf, MetricName } from "../schemas/metrics.ts";

/**
 * Figures for a monitoring system. Measuring never waits and never throws, whoever listens or does
 * not: what cannot be delivered is lost, and told to the log.
 */
export interface Metrics {
  /** Adds to a counter, sets a gauge, or counts a value of a histogram. What is no number is left out. */
  measure<Name extends MetricName>(name: Name, value: number, labels: LabelsOf<Name>): void;
  /** Delivers what was measured, for at most two seconds. What is measured later is lost. */
  close(): Promise<void>;
}

/** Where nobody measures. */
export const noMetrics: Metrics = { measure() {}, async close() {} };
