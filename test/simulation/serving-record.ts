import type { Cell, KeyValueStore } from "../../ports/key-value-store.ts";
import type { Partition } from "../../schemas/ids.ts";
import type { Faults } from "./faults.ts";
import { dayMs } from "./times.ts";
import type { Happening } from "./trace.ts";

interface ServingInfo {
  readonly batchEndDate: string;
  readonly groupBy: { readonly metaData: { readonly name: string } };
  readonly rehearsal: {
    readonly jobId: string;
    readonly run: number;
    readonly attempt: number;
  };
}

/**
 * The online store as jobs load it, and a record of the serving info rows they leave there: some exit
 * 0 without one, some leave an older day's, or one whose cell is not of the day that it names.
 */
export function servingRecord(
  record: (happening: Happening) => void,
  faults: Faults,
  store: KeyValueStore,
): KeyValueStore {
  const recorded: KeyValueStore = {
    ...store,
    at: () => recorded,
    async write(table, cells) {
      const loaded = cells.flatMap((cell) => {
        const info = servingInfo(cell);
        return info === null ? [cell] : asLoaded(cell, info, faults);
      });
      await store.write(table, loaded);
      for (const cell of loaded) {
        const info = servingInfo(cell);
        if (info !== null) record({ kind: "online-rows", ...rowOf(cell, info) });
      }
    },
  };
  return recorded;
}

function asLoaded(cell: Cell, info: ServingInfo, faults: Faults): Cell[] {
  const { groupBy, rehearsal, batchEndDate } = info;
  const { run, attempt } = rehearsal;
  const where = `the serving info of ${groupBy.metaData.name} up to ${batchEndDate}, run ${run} attempt ${attempt},`;
  if (faults.strikes("row-left-out", where)) return [];
  const older = { ...info, batchEndDate: dayBefore(batchEndDate) };
  const value = Buffer.from(JSON.stringify(older));
  if (faults.strikes("row-older", where)) {
    return [{ ...cell, value, timestamp: cell.timestamp - dayMs }];
  }
  return faults.strikes("row-contradicts", where) ? [{ ...cell, value }] : [cell];
}

/** The day that a row names, and the one that its cell is of. */
function rowOf({ timestamp }: Cell, { batchEndDate, groupBy, rehearsal }: ServingInfo) {
  return {
    config: groupBy.metaData.name,
    day: dayBefore(batchEndDate),
    cellDay: dayBefore(new Date(timestamp).toISOString().slice(0, 10)),
    jobId: rehearsal.jobId,
  };
}

function dayBefore(day: Partition): Partition {
  return new Date(Date.parse(day) - dayMs).toISOString().slice(0, 10);
}

/** Null for a row of features. */
function servingInfo({ value }: Cell): ServingInfo | null {
  const text = Buffer.from(value).toString();
  return text.startsWith("{") ? (JSON.parse(text) as ServingInfo) : null;
}
