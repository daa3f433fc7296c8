import { z } from "zod";
import { MetaData } from "./metadata.ts";
import { Flag, optional, Window } from "./primitives.ts";

/** `common.thrift` TableDependency: a table a staging query reads, as its author wrote it. */
export const TableDependency = z.looseObject({
  tableInfo: z.looseObject({
    table: z.string(),
    partitionColumn: optional(z.string()),
    partitionFormat: optional(z.string()),
    partitionInterval: optional(Window),
    isCumulative: optional(Flag),
  }),
  startOffset: optional(Window),
  endOffset: optional(Window),
  startCutOff: optional(z.string()),
  endCutOff: optional(z.string()),
});
export type TableDependency = Readonly<z.infer<typeof TableDependency>>;

/** `api.thrift` StagingQuery. Its SQL is not read: only the dependencies it declares count. */
export const StagingQuery = z.looseObject({
  metaData: optional(MetaData),
  tableDependencies: optional(z.array(TableDependency)),
});
export type StagingQuery = Readonly<z.infer<typeof StagingQuery>>;
