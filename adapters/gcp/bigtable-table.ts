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
