import type { ConsistencyDocument, FeatureRates } from "../schemas/consistency.ts";
import type { PlanStep } from "../schemas/plan.ts";

/** Whether Landfall does a step itself: then no runner hears of it. */
export function isOwn({ verification }: Pick<PlanStep, "verification">): boolean {
  return verification === "published";
}

/**
 * Columns of a `<out>_consistency` table (`CompareMetrics.scala`): a row an hour, and for every
 * feature its name and one of these. Left is the offline join, right what was served. The other
 * columns, averages and percentiles of some types, are not needed for a rate.
 */
const SUFFIX = {
  compared: "_total_count",
  mismatched: "_mismatch_sum",
  onlineOnly: "_left_null_sum",
  offlineOnly: "_right_null_sum",
  bothNull: "_both_null_sum",
} as const;

type Counted = keyof typeof SUFFIX;
const COUNTED = Object.keys(SUFFIX) as Counted[];

/**
 * The features that columns are of. Every feature has a count of what was compared, which nothing
 * else is called: so its name is what stands before that, even where it ends as a metric does
 * (`amount_sum`, `late_mismatch_sum`), and columns nobody knows make no feature.
 */
export function featuresOf(columns: readonly string[]): string[] {
  const { compared } = SUFFIX;
  return columns
    .filter((column) => column.endsWith(compared) && column.length > compared.length)
    .map((column) => column.slice(0, -compared.length));
}

/** The columns that rates are made of, among those a file has. */
export function rateColumns(columns: readonly string[]): string[] {
  const wanted = new Set(
    featuresOf(columns).flatMap((feature) => COUNTED.map((of) => `${feature}${SUFFIX[of]}`)),
  );
  return columns.filter((column) => wanted.has(column));
}

/** One row; what it has not is null, as in a file older than a column. */
export type Row = Readonly<Record<string, unknown>>;

/** The rates of every feature, the worst first. Throws a sentence about a count that is none. */
export function ratesOf(features: readonly string[], rows: readonly Row[]): FeatureRates[] {
  return [...new Set(features)].map((feature) => rateOf(feature, rows)).sort(worstFirst);
}

function rateOf(feature: string, rows: readonly Row[]): FeatureRates {
  const counts = { compared: 0, mismatched: 0, onlineOnly: 0, offlineOnly: 0, bothNull: 0 };
  for (const of of COUNTED) {
    const column = `${feature}${SUFFIX[of]}`;
    for (const row of rows) counts[of] += countIn(row[column], column);
  }
  const { compared, mismatched, onlineOnly, offlineOnly } = counts;
  const same = Math.max(0, compared - mismatched - onlineOnly - offlineOnly);
  return { feature, match: percentOf(same, compared), ...counts };
}

function countIn(value: unknown, column: string): number {
  if (value === null || value === undefined) return 0;
  const count = typeof value === "bigint" ? Number(value) : value;
  if (typeof count === "number" && Number.isSafeInteger(count) && count >= 0) return count;
  throw new Error(`column ${column} holds ${JSON.stringify(count)}, which is no count`);
}

/** Rounded down: one mismatch in a million is not all. */
function percentOf(same: number, compared: number): number | null {
  return compared === 0 ? null : Math.floor((same / compared) * 1_000_000) / 10_000;
}

/** What was never compared comes last, equal ones by name. */
function worstFirst(one: FeatureRates, other: FeatureRates): number {
  const by = (one.match ?? 101) - (other.match ?? 101);
  return by !== 0 ? by : one.feature < other.feature ? -1 : 1;
}

/** Features that one document shows. */
const featuresMax = 1_000;

/** What is published of a day. */
export function publishedOf(
  about: Pick<ConsistencyDocument, "join" | "team" | "partition" | "table" | "hours" | "at">,
  rates: readonly FeatureRates[],
): ConsistencyDocument {
  const sum = (of: Counted) => rates.reduce((total, rate) => total + rate[of], 0);
  const same = sum("compared") - sum("mismatched") - sum("onlineOnly") - sum("offlineOnly");
  const { join, team, partition, table, hours, at } = about;
  return {
    schema: 1,
    join,
    team,
    partition,
    table,
    hours,
    match: percentOf(Math.max(0, same), sum("compared")),
    compared: rates.filter(({ compared }) => compared > 0).length,
    features: rates.slice(0, featuresMax),
    at,
  };
}

/** What was found, in a line. */
export function consistencyLine({ match, compared, features }: ConsistencyDocument): string {
  const [worst] = features;
  if (match === null || worst === undefined) return "no requests were compared";
  const line = `${match} % of what ${counted(compared)} served match the offline join`;
  return worst.match === 100
    ? line
    : `${line}; the worst is ${worst.feature} with ${worst.match} %`;
}

function counted(features: number): string {
  return features === 1 ? "1 feature" : `${features} features`;
}
