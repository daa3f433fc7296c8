import type { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import { Settings } from "../../schemas/settings.ts";

/** First of the three days, UTC. */
export const firstDay = "2026-03-02";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Something foreign that happens to the lake, `at` milliseconds after the first day began. */
export interface Happening {
  readonly at: number;
  readonly table: string;
  readonly day: string;
  readonly rows: number;
  /** What is remarkable about it; null: one of many, not told. */
  readonly say: string | null;
  /** The commit's notification comes a second time. */
  readonly repeated?: true;
}

const days = ["2026-03-02", "2026-03-03", "2026-03-04"] as const;
const from = (day: number, hours: number) => day * dayMs + hours * hourMs;

/** Payments are appended all day long, in 48 commits. */
const transactions = days.flatMap((day, index): Happening[] =>
  Array.from({ length: 48 }, (_, commit) => ({
    at: from(index, commit / 2 + 0.25),
    table: "payments.transactions",
    day,
    rows: 20_000,
    say: commit === 0 ? "first of 48 commits through the day" : commit === 47 ? "last of 48" : null,
  })),
);

/** The merchants of a day are written once, complete, soon after it ended. */
const merchants = days.map(
  (day, index): Happening => ({
    at: from(index + 1, 0.5),
    table: "crm.merchants",
    day,
    rows: 3_000,
    say: "complete snapshot",
    ...(index === 1 ? { repeated: true as const } : {}),
  }),
);

/** The second day's checkouts come after the third's. */
const checkouts: Happening[] = [
  { at: from(1, 1), table: "payments.checkouts", day: days[0], rows: 9_000, say: "on time" },
  { at: from(3, 1), table: "payments.checkouts", day: days[2], rows: 9_500, say: "on time" },
  { at: from(3, 3), table: "payments.checkouts", day: days[1], rows: 9_200, say: "26 hours late" },
];

const clicks = days.map(
  (day, index): Happening => ({
    at: from(index + 1, 2),
    table: "marketing.clicks",
    day,
    rows: 80_000,
    say: "on time",
  }),
);

/** What fetchers answered, and the schemas they answered by, are dumped once a day. */
const logs = days.flatMap((day, index): Happening[] => [
  {
    at: from(index + 1, 0.25),
    table: "logs.fetcher_schemas",
    day,
    rows: 3,
    say: null,
  },
  {
    at: from(index + 1, 0.75),
    table: "logs.fetcher_requests",
    day,
    rows: 4_000,
    say: "what fetchers answered",
  },
]);

/** Everything that lands, in order of time. `partners.fraud_scores` never does. */
export const happenings: readonly Happening[] = [
  ...transactions,
  ...merchants,
  ...checkouts,
  ...clicks,
  ...logs,
].sort((a, b) => a.at - b.at);

/** When the story is over, counted from its first day. */
export const endMs = from(3, 10);

/** What goes wrong with jobs. */
export const behaviour: RehearsalBehaviour = {
  durationMs: [10 * 60_000, 25 * 60_000],
  checkpointMs: 4 * hourMs,
  faults: [
    {
      step: "risk.merchant_features.v1__0/streaming",
      run: 1,
      does: "fail",
      message: "a TaskManager was lost",
    },
    {
      step: "risk.merchant_profile.v1__0/upload",
      partition: days[0],
      attempt: 1,
      does: "fail",
      message: "executor lost, container killed by YARN for exceeding memory limits",
    },
    {
      step: "growth.campaign_stats.v1__0/upload",
      partition: days[1],
      does: "write-nothing",
    },
  ],
};

/** Virtual milliseconds, all of them: a day of the story takes seconds. */
export const settings: Partial<Settings> = {
  deployment: "demo",
  externalClosing: { when: "at-end", delayMs: 0, settleMs: 20 * 60_000 },
  tables: { "crm.merchants": { closing: { when: "at-landing" } } },
  consistency: {
    logTable: "logs.fetcher_requests",
    schemaTable: "logs.fetcher_schemas",
    comparisonStep: true,
  },
  retries: {
    job: { max: 1, delayMs: 10 * 60_000 },
    infrastructure: { max: 3, delayMs: 10 * 60_000 },
  },
  streams: Settings.shape.streams.parse({
    checkMs: 2 * hourMs,
    checkpointMs: 8 * hourMs,
    graceMs: 2 * hourMs,
    restartMs: hourMs,
  }),
  submitWithinMs: 12 * hourMs,
  tickMs: 5 * 60_000,
};
