import { consistencyLine } from "../core/consistency.ts";
import type { ConsistencyDocument, FeatureRates } from "../schemas/consistency.ts";
import type { EpochMs } from "../schemas/ids.ts";
import { tableOf } from "./text-table.ts";

/** Days that were published, newest first, and the features of the newest, for people. */
export function consistencyText(days: readonly ConsistencyDocument[]): string {
  const [newest] = days;
  if (newest === undefined) return "nothing is published";
  const { join, partition, compared, features } = newest;
  const left = compared - features.filter(({ match }) => match !== null).length;
  return [
    daysTable(days),
    `${join} at ${partition}: ${consistencyLine(newest)}`,
    ...(features.length === 0 ? [] : [featuresTable(features)]),
    ...(left > 0 ? [`and ${left} more that match better`] : []),
  ].join("\n\n");
}

function daysTable(days: readonly ConsistencyDocument[]): string {
  const table = tableOf({ day: 10, match: 9, features: 8, hours: 5, "published (UTC)": 19 });
  for (const { partition, match, compared, hours, at } of days) {
    table.add({
      day: partition,
      match: percent(match),
      features: String(compared),
      hours: String(hours),
      "published (UTC)": shown(at),
    });
  }
  return table.render();
}

function featuresTable(features: readonly FeatureRates[]): string {
  const widths = { feature: 40, match: 9, compared: 9, mismatched: 10 };
  const table = tableOf({ ...widths, "only online": 11, "only offline": 12, "both null": 9 });
  for (const rates of features) {
    table.add({
      feature: rates.feature,
      match: percent(rates.match),
      compared: String(rates.compared),
      mismatched: String(rates.mismatched),
      "only online": String(rates.onlineOnly),
      "only offline": String(rates.offlineOnly),
      "both null": String(rates.bothNull),
    });
  }
  return table.render();
}

function percent(match: number | null): string {
  return match === null ? "" : `${match} %`;
}

function shown(at: EpochMs): string {
  return new Date(at).toISOString().replace("T", " ").slice(0, 19);
}
