import type { AlertKind, Priority } from "../../schemas/alerts.ts";

interface KindFacts {
  readonly priority: Priority;
  /** What is counted, one and several of them. */
  readonly counted: readonly [string, string];
  /** What is said of them. */
  readonly said: string;
}

/** What each kind of alert means. The one place that says so. */
export const KINDS = {
  "step-failed": { priority: "P2", counted: ["task", "tasks"], said: "failed" },
  "nothing-written": { priority: "P2", counted: ["task", "tasks"], said: "wrote nothing" },
  "dependency-late": { priority: "P3", counted: ["table", "days of tables"], said: "late" },
  "sla-missed": { priority: "P2", counted: ["step", "steps"], said: "not done by the SLA" },
  "running-long": { priority: "P3", counted: ["job", "jobs"], said: "running long" },
  "serving-stale": {
    priority: "P1",
    counted: ["GroupBy", "GroupBys"],
    said: "served from old batches",
  },
  "metadata-stale": {
    priority: "P2",
    counted: ["metadata table", "metadata tables"],
    said: "not kept up",
  },
  "config-rejected": { priority: "P3", counted: ["config", "configs"], said: "rejected" },
  "dead-letter": {
    priority: "P3",
    counted: ["event", "events"],
    said: "put aside as dead letters",
  },
  "stream-down": { priority: "P1", counted: ["stream", "streams"], said: "down" },
  "stream-flapping": { priority: "P2", counted: ["stream", "streams"], said: "flapping" },
  "stream-duplicated": {
    priority: "P1",
    counted: ["stream", "streams"],
    said: "run more than once",
  },
  "stream-state-lost": {
    priority: "P1",
    counted: ["stream", "streams"],
    said: "held: their state cannot be restored",
  },
} as const satisfies Record<AlertKind, KindFacts>;
