import { BATCH_TABLE, servingInfoKey } from "../../core/serving-info.ts";
import type { Cell } from "../../ports/key-value-store.ts";

/** What an upload-to-kv leaves that streams look for, to be written to an online store. */
export function servedBy(config: string): [table: string, cells: Cell[]] {
  const value = Buffer.from("{}");
  return [BATCH_TABLE, [{ key: servingInfoKey(config), value, timestamp: 1 }]];
}
