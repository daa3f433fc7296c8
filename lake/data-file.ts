import { parquetWriteBuffer } from "hyparquet-writer";

/**
 * A Parquet file of one column `row`, 0, 1, 2, …: the schema `commitDelta` gives new tables. So
 * that whoever reads the lake with a Delta library finds what the log promises.
 */
export function dataFile(rows: number): Uint8Array {
  const data = Array.from({ length: rows }, (_, row) => BigInt(row));
  return new Uint8Array(
    parquetWriteBuffer({ columnData: [{ name: "row", data, type: "INT64" }], codec: "SNAPPY" }),
  );
}
