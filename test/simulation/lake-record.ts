import type { ObjectStore } from "../../ports/object-store.ts";
import type { Partition } from "../../schemas/ids.ts";
import type { Happening } from "./trace.ts";

/** A data file that is in a table now. */
export interface LiveFile {
  readonly path: string;
  readonly day: Partition;
  readonly partitionValues: Readonly<Record<string, string>>;
}

/** Tells what is written to a lake, by reading what was written with nothing but JSON. */
export interface LakeRecord {
  over(lake: ObjectStore): ObjectStore;
  dropped(path: string): void;
  /** The files of a day of the table at `path`. */
  files(path: string, day: Partition): readonly LiveFile[];
  all(path: string): readonly LiveFile[];
}

interface Action {
  readonly commitInfo?: { timestamp: number; rehearsal?: { jobId: string } };
  readonly metaData?: { id: string };
  readonly add?: { path: string; partitionValues: Record<string, string> };
  readonly remove?: { path: string };
}

interface TableRecord {
  id: string;
  readonly live: Map<string, LiveFile>;
}

const commitName = /^(.+)\/_delta_log\/(\d{20})\.json$/;
const dayText = /\d{4}-\d\d-\d\d/;

export function lakeRecord(record: (happening: Happening) => void): LakeRecord {
  const tables = new Map<string, TableRecord>();
  const commit = (path: string, n: number, text: string) => {
    const table = tables.get(path) ?? { id: "", live: new Map<string, LiveFile>() };
    tables.set(path, table);
    const actions = text
      .split("\n")
      .flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Action]));
    const added = new Set<Partition>();
    const taken = new Set<Partition>();
    const info = actions.find(({ commitInfo }) => commitInfo !== undefined)?.commitInfo;
    for (const { metaData, add, remove } of actions) {
      if (metaData !== undefined) table.id = metaData.id;
      if (remove !== undefined) {
        const file = table.live.get(remove.path);
        if (file !== undefined) taken.add(file.day);
        table.live.delete(remove.path);
      }
      if (add !== undefined) {
        const day =
          dayText.exec([...Object.values(add.partitionValues), add.path].join(" "))?.[0] ?? "";
        table.live.set(add.path, { path: add.path, day, partitionValues: add.partitionValues });
        added.add(day);
      }
    }
    const left = new Set([...table.live.values()].map(({ day }) => day));
    record({
      kind: "table-commit",
      table: path.replace("/", "."),
      tableId: table.id,
      n,
      writtenAt: info?.timestamp ?? 0,
      added: [...added],
      emptied: [...taken].filter((day) => !left.has(day)),
      jobId: info?.rehearsal?.jobId ?? null,
    });
  };
  return {
    over: (lake) => ({
      ...lake,
      async write(name, bytes, options) {
        const answer = await lake.write(name, bytes, options);
        const [, path, n] = commitName.exec(name) ?? [];
        if (answer === "written" && path !== undefined) {
          commit(path, Number(n), Buffer.from(bytes).toString());
        }
        return answer;
      },
    }),
    dropped(path) {
      tables.delete(path);
      record({ kind: "table-dropped", table: path.replace("/", ".") });
    },
    all: (path) => [...(tables.get(path)?.live.values() ?? [])],
    files: (path, day) =>
      [...(tables.get(path)?.live.values() ?? [])].filter((file) => file.day === day),
  };
}
