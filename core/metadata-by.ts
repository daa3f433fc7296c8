import type { MetadataRow, PlanStep } from "../schemas/plan.ts";
import type { Settings } from "../schemas/settings.ts";
import type { MetadataWriter } from "../schemas/step-policy.ts";
import { own } from "./own.ts";

/** Who writes the metadata of a team's configs, as the nearest says. */
export function metadataBy({ metadata, teams }: Settings, team: string): MetadataWriter {
  return own(teams, team)?.metadata ?? metadata.by;
}

/** The same of one row. Chronon has no job for model transforms: where jobs write, Landfall writes those. */
export function rowBy(settings: Settings, { key, team }: MetadataRow): MetadataWriter {
  const by = metadataBy(settings, team);
  return by === "job" && key.startsWith("models/") ? "landfall" : by;
}

/** Whether Landfall itself may have rows to write. Where jobs write, those that they cannot are left. */
export function writesMetadata({ metadata, teams }: Pick<Settings, "metadata" | "teams">): boolean {
  const others = Object.values(teams).every(({ metadata: by = "others" }) => by === "others");
  return metadata.by !== "others" || !others;
}

/** Key of the row that a `metadata-upload` writes: `joins/N`, `group_bys/N`. */
export function keyOfStep({ confType, config }: Pick<PlanStep, "confType" | "config">): string {
  return `${confType}/${config}`;
}

/**
 * Whether what lies in the online store is what was compiled. Chronon reads a conf and writes it anew:
 * in another order, numbers spelled otherwise, without fields that it does not know.
 */
export function isWrittenFrom(stored: unknown, compiled: unknown): boolean {
  if (Array.isArray(stored)) {
    return (
      Array.isArray(compiled) &&
      stored.length === compiled.length &&
      stored.every((item, at) => isWrittenFrom(item, compiled[at]))
    );
  }
  if (typeof stored === "object" && stored !== null) {
    if (typeof compiled !== "object" || compiled === null || Array.isArray(compiled)) return false;
    const of = new Map(Object.entries(compiled));
    return Object.entries(stored).every(
      ([name, value]) => of.has(name) && isWrittenFrom(value, of.get(name)),
    );
  }
  return stored === compiled;
}
