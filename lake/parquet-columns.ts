import {
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { otherWork } from "./other-work.ts";

/** Rows of one file, as far as they were asked for. */
export interface FileRows {
  /** The columns that were picked, in the file's order. */
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** What the reader takes for a column grows with how many are read: so few are read at once. */
const columnsAtOnce = 100;

/**
 * Reads columns of a Parquet file that may have tens of thousands of them, giving way to other work
 * every few milliseconds. Throws what the reader throws.
 */
export async function readColumns(
  bytes: Uint8Array,
  wanted: (columns: readonly string[]) => readonly string[],
): Promise<FileRows> {
  const file = new Uint8Array(bytes).buffer;
  const metadata = await parquetMetadataAsync(file);
  const trees = new Map(parquetSchema(metadata).children.map((tree) => [tree.element.name, tree]));
  const columns = wanted([...trees.keys()]);
  const rows = Array.from(
    { length: Number(metadata.num_rows) },
    (): Record<string, unknown> => ({}),
  );
  for (let at = 0; at < columns.length; at += columnsAtOnce) {
    if (at > 0) await otherWork();
    const some = columns.slice(at, at + columnsAtOnce).flatMap((name) => trees.get(name) ?? []);
    const read = await parquetReadObjects({ file, metadata: only(metadata, some), compressors });
    read.forEach((row, nth) => {
      Object.assign(rows[nth] ?? {}, row);
    });
  }
  return { columns, rows };
}

/** The metadata of a file as if it had these columns and no others. */
function only(metadata: FileMetaData, trees: readonly SchemaTree[]): FileMetaData {
  const [root = { name: "root" }] = metadata.schema;
  const names = new Set(trees.map(({ element }) => element.name));
  return {
    ...metadata,
    schema: [{ ...root, num_children: trees.length }, ...trees.flatMap(elementsOf)],
    row_groups: metadata.row_groups.map((group) => ({
      ...group,
      columns: group.columns.filter(({ meta_data }) =>
        names.has(meta_data?.path_in_schema[0] ?? ""),
      ),
    })),
  };
}

function elementsOf({ element, children }: SchemaTree): FileMetaData["schema"] {
  return [element, ...children.flatMap(elementsOf)];
}
