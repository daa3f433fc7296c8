import fc from "fast-check";
import type { ConfigFile } from "../../core/compile/config-file.ts";
import { dependency, events, file, groupBy, join, stagingQuery } from "./configs.ts";

const names = fc.integer({ min: 0, max: 7 }).map((at) => `team.config_${at}`);
const own = names.map((name) => `out.${name.replace(".", "_")}`);
/** External tables and outputs of other configs, so that chains, cycles and conflicts occur. */
const tables = fc.oneof(
  fc.constantFrom("raw.a", "raw.b/hr=00:00"),
  own,
  own.map((table) => `${table}__upload`),
);
const online = fc.boolean().map((is) => ({ online: is ? 1 : 0 }));

const configs: fc.Arbitrary<ConfigFile> = fc.oneof(
  fc
    .tuple(names, tables, online)
    .map(([name, table, is]) => file("group_bys", groupBy(name, { sources: [events(table)] }, is))),
  fc.tuple(names, tables).map(([name, left]) => file("joins", join(name, { left: events(left) }))),
  fc
    .tuple(names, fc.array(tables, { maxLength: 3 }))
    .map(([name, read]) =>
      file(
        "staging_queries",
        stagingQuery(name, { tableDependencies: read.map((table) => dependency(table)) }),
      ),
    ),
);

/** Small repositories in which configs read, and fight over, one another's tables. */
export const repositories: fc.Arbitrary<ConfigFile[]> = fc.uniqueArray(configs, {
  maxLength: 8,
  selector: ({ path }) => path,
});

/** A config that reads tables of a repository and writes one nobody else knows of. */
export const readers: fc.Arbitrary<ConfigFile> = tables.map((table) =>
  file("staging_queries", stagingQuery("other.reader", { tableDependencies: [dependency(table)] })),
);
