/** How a measurement is summed up. */
export type MetricKind = "counter" | "histogram" | "gauge";

export interface MetricFacts {
  readonly kind: MetricKind;
  /** As UCUM writes it; in braces: what is counted. */
  readonly unit: string;
  readonly labels: readonly string[];
  readonly what: string;
}

const ofStep = ["team", "pipeline", "job_type"] as const;

/** Every metric. None has a label per task: what a single task did is a row of the metrics table. */
export const METRICS = {
  "landfall.landing.lag": {
    kind: "histogram",
    unit: "s",
    labels: ofStep,
    what: "from the last landing a run waited for to its first claim",
  },
  "landfall.decision.duration": {
    kind: "histogram",
    unit: "s",
    labels: [],
    what: "from taking a batch of events to having decided and committed all of it",
  },
  "landfall.store.operations": {
    kind: "counter",
    unit: "{operation}",
    labels: ["service", "operation"],
    what: "documents read, written and checked, commits, and commits that were refused",
  },
  "landfall.queue.depth": {
    kind: "gauge",
    unit: "{task}",
    labels: ["pool"],
    what: "ready tasks that wait for a slot, as far as 1,000",
  },
  "landfall.pool.used": { kind: "gauge", unit: "{slot}", labels: ["pool"], what: "slots held" },
  "landfall.pool.limit": {
    kind: "gauge",
    unit: "{slot}",
    labels: ["pool"],
    what: "slots there are",
  },
  "landfall.table.freshness": {
    kind: "gauge",
    unit: "s",
    labels: ["table"],
    what: "age of the end of the newest day that landed",
  },
  "landfall.consistency.match": {
    kind: "gauge",
    unit: "%",
    labels: ["team", "join"],
    what: "served values that are those of the offline join, of the day that was published last",
  },
  "landfall.attempts": {
    kind: "counter",
    unit: "{attempt}",
    labels: [...ofStep, "state", "error_class"],
    what: "finished attempts, when their rows are appended",
  },
  "landfall.attempt.duration": {
    kind: "histogram",
    unit: "s",
    labels: [...ofStep, "state"],
    what: "how long finished attempts ran",
  },
  "landfall.cost": {
    kind: "counter",
    unit: "{currency}",
    labels: [...ofStep, "currency"],
    what: "estimated cost of finished attempts",
  },
} as const satisfies Record<string, MetricFacts>;

export type MetricName = keyof typeof METRICS;

/** A value for each label of a metric. */
export type LabelsOf<Name extends MetricName> = Readonly<
  Record<(typeof METRICS)[Name]["labels"][number], string>
>;
