import type { TableName } from "../../schemas/ids.ts";
import type { Settings } from "../../schemas/settings.ts";
import {
  days,
  dependency,
  entities,
  events,
  file,
  groupBy,
  stagingQuery,
} from "../support/configs.ts";
import type { Wanted, WantedInput, WantedStep, WantedTable } from "./trace.ts";

/**
 * One config of a workload. `query`: a staging query, which fills; `features`: a GroupBy of the
 * zipline flavour, which overwrites; `online` and `old-online`: also served, by zipline's and by
 * airbnb's jobs, whose upload rewrites its whole table.
 */
export interface ConfigNode {
  readonly name: string;
  readonly kind: "query" | "features" | "online" | "old-online";
  readonly inputs: readonly {
    readonly table: TableName;
    readonly startDays: number;
    readonly endDays: number;
  }[];
  readonly scheduled: boolean;
  /** An online one with a topic has a stream; another content is another `content`. */
  readonly stream?: { readonly content: number };
}

/** The compiled files of configs. */
export function filesOf(nodes: readonly ConfigNode[]): { path: string; text: string }[] {
  return nodes.map(fileOf);
}

function fileOf(node: ConfigNode): { path: string; text: string } {
  const { name, kind, inputs, scheduled, stream } = node;
  const executionInfo = {
    stepDays: kind === "query" ? 3 : 1,
    ...(scheduled ? { offlineSchedule: "@daily", onlineSchedule: "@daily" } : {}),
  };
  const [first] = inputs;
  switch (kind) {
    case "query":
      return file(
        "staging_queries",
        stagingQuery(
          name,
          {
            tableDependencies: inputs.map(({ table, startDays, endDays }) =>
              dependency(table, { startOffset: days(startDays), endOffset: days(endDays) }),
            ),
          },
          { executionInfo },
        ),
      );
    case "features":
      return file(
        "group_bys",
        groupBy(
          name,
          { sources: [entities(first?.table ?? "")], aggregations: null },
          { online: 0, executionInfo },
        ),
      );
    case "online":
      return file(
        "group_bys",
        groupBy(
          name,
          { sources: [events(first?.table ?? "", {}, stream ? { topic: "kafka://clicks" } : {})] },
          { online: 1, executionInfo, ...(stream ? { description: `${stream.content}` } : {}) },
        ),
      );
    case "old-online":
      return file(
        "group_bys",
        groupBy(name, { sources: [events(first?.table ?? "")] }, { online: 1 }),
        { root: "production" },
      );
  }
}

const windowDays = 7;

/** What configs mean, said without compiling them. */
export function wantedOf(nodes: readonly ConfigNode[], settings: Settings): Wanted {
  const steps = nodes.flatMap(stepsOf);
  const written = new Map(
    steps.flatMap(({ id, output }) => (output === null ? [] : [[output, id]])),
  );
  const names = new Set([
    ...written.keys(),
    ...steps.flatMap(({ inputs }) => inputs.map((i) => i.table)),
  ]);
  const readBy = (step: WantedStep) =>
    steps.some(
      (other) =>
        other.config !== step.config && other.inputs.some(({ table }) => table === step.output),
    );
  const tables = [...names].map((name): WantedTable => {
    const writer = written.get(name) ?? null;
    const own = settings.tables[name];
    return {
      name,
      writer,
      closing:
        own?.closing ?? (writer === null ? settings.externalClosing : { when: "at-landing" }),
      holes: own?.holes ?? (writer === null ? "fine" : "wait"),
    };
  });
  const streams = nodes.flatMap(({ name, stream }) =>
    stream === undefined ? [] : [{ config: name, content: stream.content }],
  );
  return {
    steps: steps.map((step) => ({ ...step, readByOthers: readBy(step) })),
    tables,
    streams,
    metadata: null,
  };
}

function stepsOf(node: ConfigNode): WantedStep[] {
  const { name, kind, inputs, scheduled } = node;
  const table = `out.${name.replace(".", "_")}`;
  const [first] = inputs;
  const reads = (startDays: number): WantedInput[] => [
    { table: first?.table ?? "", startDays, endDays: 0 },
  ];
  const step = (mode: string, more: Partial<WantedStep>): WantedStep => ({
    id: `${name}/${mode}`,
    config: name,
    mode,
    scheduled,
    inputs: [],
    after: [],
    output: table,
    effect: "overwrites",
    latestOnly: false,
    readByOthers: false,
    stepDays: 1,
    ...more,
  });
  // Uploads and staging queries are daily unless they say otherwise.
  const online = (upload: string, effect: WantedStep["effect"]) => [
    step("upload", {
      inputs: reads(windowDays),
      output: upload,
      effect,
      latestOnly: true,
      scheduled: true,
    }),
    step("upload-to-kv", {
      inputs: [{ table: upload, startDays: 0, endDays: 0 }],
      after: [`${name}/upload`],
      output: null,
      effect: "none",
      latestOnly: true,
      scheduled: true,
    }),
  ];
  switch (kind) {
    case "query":
      return [step("backfill", { inputs, effect: "fills", stepDays: 3, scheduled: true })];
    case "features":
      return [step("backfill", { inputs: reads(0) })];
    case "online":
      return [
        ...online(`${table}__upload`, "overwrites"),
        step("backfill", { inputs: reads(windowDays) }),
      ];
    case "old-online":
      return [
        ...online(`${table}_upload`, "rewrites-table"),
        step("backfill", {
          inputs: reads(windowDays),
          effect: "fills",
          scheduled: false,
          stepDays: 30,
        }),
      ];
  }
}
