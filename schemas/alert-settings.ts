import { z } from "zod";
import { AlertKind, Priority } from "./alerts.ts";
import { TableName } from "./ids.ts";

/** Where a secret is read when it is needed. It is never a setting itself. */
export const Secret = z.union([
  z.strictObject({
    env: z.string().regex(/^(?!LANDFALL_)[A-Z_][A-Z0-9_]*$/, {
      message: "name a variable in capitals that does not begin with LANDFALL_, as settings do",
    }),
  }),
  z.strictObject({ file: z.string().min(1) }),
]);
export type Secret = Readonly<z.infer<typeof Secret>>;

const genie = {
  key: Secret,
  /** Team → who responds there. */
  responders: z.record(z.string(), z.string()).prefault({}),
};

/** One way to people. */
export const RouteSettings = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("opsgenie"),
    ...genie,
    url: z.url().default("https://api.opsgenie.com"),
  }),
  z.strictObject({
    kind: z.literal("jira-service-management"),
    ...genie,
    url: z.url().default("https://api.atlassian.com/jsm/ops/integration"),
  }),
  z.strictObject({
    kind: z.literal("pagerduty"),
    key: Secret,
    url: z.url().default("https://events.pagerduty.com"),
  }),
  z.strictObject({ kind: z.literal("webhook"), key: Secret, url: z.url() }),
  z.strictObject({ kind: z.literal("log") }),
]);
export type RouteSettings = Readonly<z.infer<typeof RouteSettings>>;

const hours = z.number().positive();

/** What is alerted of, and to whom. */
export const AlertSettings = z.object({
  /** Beside `log`, which is always there. */
  routes: z.record(z.string().min(1), RouteSettings).prefault({}),
  /** Routes of teams that have none of their own, and of what belongs to no team. */
  defaultRoutes: z.array(z.string()).min(1).default(["log"]),
  /** Team → its routes. */
  teams: z.record(z.string(), z.array(z.string()).min(1)).prefault({}),
  /** Kind → priority, where the usual one does not fit. */
  priorities: z.partialRecord(AlertKind, Priority).prefault({}),
  /** Hours after the end of a day by which its steps are to be done; null: no promise. */
  sla: z
    .object({
      hours: hours.nullable().default(null),
      modes: z.record(z.string(), hours).prefault({}),
      teams: z.record(z.string(), hours).prefault({}),
    })
    .prefault({}),
  /**
   * Hours after the end of a day by which external tables that it is made of are to be there; null:
   * whenever they come. `hours` is said of tables that land daily, `tables` of each whatever it did.
   */
  late: z
    .object({
      hours: hours.nullable().default(24),
      tables: z.record(TableName, hours.nullable()).prefault({}),
    })
    .prefault({}),
  /** Minutes a job may run before somebody should look at it. */
  runningLong: z
    .object({
      minutes: z.number().positive().default(360),
      modes: z.record(z.string(), z.number().positive()).prefault({}),
    })
    .prefault({}),
  /** Hours after the end of its day that a batch in the online store may be the newest. */
  servingHours: hours.default(48),
  /** Hours that something may be wrong with metadata, or its refresh be due. */
  metadataHours: hours.default(6),
  /** Days after which a failure or a dead letter that nobody saw to is no longer alerted of. */
  forgetDays: hours.default(7),
  /** Distance of looks. */
  lookMs: z.number().int().min(10).default(60_000),
  /** How long a cause must be gone before its alert is closed. */
  quietMs: z.number().int().min(0).default(120_000),
  /** How long a route may take to answer. */
  answerMs: z.number().int().min(10).default(5_000),
});
export type AlertSettings = Readonly<z.infer<typeof AlertSettings>>;
