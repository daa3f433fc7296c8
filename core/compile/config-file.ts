import type { z } from "zod";
import { GroupBy, Join } from "../../schemas/chronon/features.ts";
import type { MetaData } from "../../schemas/chronon/metadata.ts";
import { Model, ModelTransforms } from "../../schemas/chronon/model.ts";
import { StagingQuery } from "../../schemas/chronon/staging-query.ts";
import { ConfType, type Flavour } from "../../schemas/plan.ts";
import { isConfType } from "./conf-types.ts";
import { type Findings, issuesOf, newFindings, quoted } from "./findings.ts";
import { isName } from "./names.ts";

/** A file of a config repository. `path` is relative to its root, with `/`. */
export interface ConfigFile {
  readonly path: string;
  readonly text: string;
  /** SHA-256 of the text's UTF-8, hexadecimal, when who read it knows it; else it is worked out. */
  readonly hash?: string;
  /** Why its text could not be read; `text` is empty then. */
  readonly unreadable?: string;
}

type Body =
  | { readonly confType: "group_bys"; readonly body: GroupBy }
  | { readonly confType: "joins"; readonly body: Join }
  | { readonly confType: "staging_queries"; readonly body: StagingQuery }
  | { readonly confType: "models"; readonly body: Model }
  | { readonly confType: "model_transforms"; readonly body: ModelTransforms };

/** A config that could be read, in the shape of its type. */
export type Config = Body & {
  readonly file: ConfigFile;
  readonly name: string;
  readonly team: string;
  readonly flavour: Flavour;
  /** The old schema says `backfillStartDate`, the new one `executionInfo.offlineSchedule`. */
  readonly schema: "old" | "new";
  readonly metaData: MetaData;
  /** The file's JSON as it is, unknown fields included. */
  readonly json: object;
};

/** What became of a file: its config, or null; its name, if that much could be read; findings. */
export interface ReadConfig {
  readonly name: string | null;
  /** What its path says its name is: `<team folder>.<file>`, as Chronon's compilers name files. */
  readonly nameOfPath: string;
  readonly config: Config | null;
  readonly findings: Findings;
}

const SCHEMAS = {
  group_bys: GroupBy,
  joins: Join,
  staging_queries: StagingQuery,
  models: Model,
  model_transforms: ModelTransforms,
} as const satisfies Record<ConfType, z.ZodType>;

/** Reads one file of the configs. Never throws: what is wrong is found. */
export function readConfig(file: ConfigFile): ReadConfig {
  const findings = newFindings();
  const nameOfPath = dottedPath(file.path);
  const answer = (name: string | null, config: Config | null): ReadConfig => ({
    name,
    nameOfPath,
    config,
    findings,
  });
  const confType = confTypeOf(file.path);
  if (confType === null) {
    findings.warn(
      `lies in no folder of ${ConfType.options.join(", ")}, so it is ignored; move or remove it`,
    );
    return answer(null, null);
  }
  const json = jsonOf(file, findings);
  if (json === null) return answer(null, null);
  const name = nameIn(json);
  const parsed = SCHEMAS[confType].safeParse(json);
  if (!parsed.success) {
    findings.error(
      `is not a compiled conf of ${confType}: ${issuesOf(parsed.error)}; compile the config again`,
    );
    return answer(name, null);
  }
  const body = { confType, body: parsed.data } as Body;
  const metaData: MetaData = body.body.metaData ?? {};
  const team = checkedName(metaData.team, "metaData.team", findings);
  if (checkedName(metaData.name, "metaData.name", findings) === null) return answer(name, null);
  if (name === null || team === null) return answer(name, null);
  if (name !== nameOfPath) {
    findings.warn(`metaData.name is ${quoted(name)}, its path says ${quoted(nameOfPath)}`);
  }
  const family = familyOf(file.path, metaData);
  return answer(name, { ...body, file, name, team, metaData, json, ...family });
}

/** The conf type a path lies under, null when under none. */
function confTypeOf(path: string): ConfType | null {
  return path.split("/").slice(0, -1).find(isConfType) ?? null;
}

function dottedPath(path: string): string {
  const parts = path.split("/");
  return parts.slice(parts.findIndex(isConfType) + 1).join(".");
}

function familyOf(path: string, metaData: MetaData): Pick<Config, "flavour" | "schema"> {
  const compiled = path.split("/").includes("compiled");
  const info = metaData.executionInfo ?? null;
  if (!compiled && info === null) return { flavour: "airbnb", schema: "old" };
  const marks = [metaData.sourceFile, metaData.version, info?.onlineSchedule];
  const marked = marks.some((mark) => mark !== null && mark !== undefined);
  return { flavour: "zipline", schema: compiled || marked ? "new" : "old" };
}

function jsonOf(file: ConfigFile, findings: Findings): object | null {
  const text = file.text.trim();
  if (file.unreadable !== undefined) {
    findings.error(`cannot be read: ${file.unreadable}`);
  } else if (text === "") {
    findings.warn("is empty; remove it or compile the config again");
  } else if (!text.startsWith("{")) {
    findings.warn("is not JSON, so it is ignored; move it out of the configs");
  } else {
    try {
      return JSON.parse(text) as object;
    } catch (cause) {
      findings.error(`is broken JSON: ${(cause as Error).message}; compile the config again`);
    }
  }
  return null;
}

/** The name of a config whose other fields may be wrong. */
function nameIn(json: object): string | null {
  const metaData: unknown = "metaData" in json ? json.metaData : null;
  if (typeof metaData !== "object" || metaData === null || !("name" in metaData)) return null;
  return typeof metaData.name === "string" && isName(metaData.name) ? metaData.name : null;
}

function checkedName(
  text: string | null | undefined,
  field: string,
  findings: Findings,
): string | null {
  if (text === null || text === undefined || text === "") {
    findings.error(`has no ${field}; add it and compile the config again`);
    return null;
  }
  if (isName(text)) return text;
  findings.error(
    `${field} ${quoted(text)} cannot be used; names have only letters, digits, "_", "-" and single dots`,
  );
  return null;
}
