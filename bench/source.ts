import { commitDelta } from "../lake/delta-writer.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { Partition } from "../schemas/ids.ts";

/** Lands a partition of `bench.source`, which the configs of a benchmark read. */
export async function landSource(lake: ObjectStore, partition: Partition): Promise<void> {
  await commitDelta(
    lake,
    { path: "bench/source", partitionColumn: "ds" },
    {
      partitions: [{ partition, rows: 1 }],
      mode: "append",
      operation: "WRITE",
      engineInfo: "bench",
      at: 0,
    },
  );
}
