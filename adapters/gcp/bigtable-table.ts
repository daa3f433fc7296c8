import type { Instance } from "@google-cloud/bigtable";
import { status } from "@grpc/grpc-js";
import { PermanentError } from "../../ports/errors.ts";
import { type BigtablePlace, bigtableInstance } from "./bigtable-client.ts";
import { operatingError } from "./bigtable-errors.ts";
import { codeOf } from "./grpc-errors.ts";

/**
 * What Chronon's own `create` gives its tables: a cell goes when it is five days old or 10,000 newer
 * ones are there, whichever comes first.
 */
const gcRule = { age: { seconds: 5 * 86_400, nanos: 0 }, versions: 10_000, union: true };

/**
 * Makes a table as Chronon would, family `cf` with Chronon's garbage collection. One that is there
 * already is left as it is; one without the family is an error. Nothing else here ever makes a
 * table: whoever reads or writes a missing one is told.
 */
export async function createBigtableTable(place: BigtablePlace, table: string): Promise<void> {
  const { instance, ready, close } = bigtableInstance(place);
  try {
    await ready();
    await instance.createTable(table, { families: [{ name: "cf", rule: gcRule }] });
  } catch (cause) {
    if (codeOf(cause) !== status.ALREADY_EXISTS) throw operatingError(cause, table);
    const [families] = await instance.table(table).getFamilies();
    if (families.every(({ id }) => id !== "cf")) {
      throw new PermanentError(
        `table ${table} is there without family cf, where Chronon keeps its cells: add it`,
        { cause },
      );
    }
  } finally {
    await close();
  }
}

/** A garbage collection rule as Bigtable describes it. */
interface GcRule {
  readonly maxAge?: { readonly seconds?: string | number | { toString(): string } | null } | null;
  readonly union?: { readonly rules?: readonly GcRule[] | null } | null;
  readonly intersection?: { readonly rules?: readonly GcRule[] | null } | null;
}

/**
 * Age in milliseconds at which family `cf` drops a cell that is the only one of its row; null when it
 * never does. Throws when the family is not there.
 */
export async function ageLimitOf(instance: Instance, table: string): Promise<number | null> {
  const [family] = await instance.table(table).family("cf").getMetadata();
  return ageLimit((family as { readonly gcRule?: GcRule | null } | null)?.gcRule ?? {});
}

/** A union drops at the least age of its rules; an intersection at the greatest, if each has one. */
function ageLimit({ maxAge, union, intersection }: GcRule): number | null {
  if (maxAge !== undefined && maxAge !== null) return Number(maxAge.seconds ?? 0) * 1_000;
  if (union !== undefined && union !== null) {
    const ages = (union.rules ?? []).map(ageLimit).filter((age) => age !== null);
    return ages.length === 0 ? null : Math.min(...ages);
  }
  const ages = (intersection?.rules ?? []).map(ageLimit);
  const limits = ages.filter((age) => age !== null);
  return ages.length > 0 && limits.length === ages.length ? Math.max(...limits) : null;
}
