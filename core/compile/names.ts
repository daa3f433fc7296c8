import type { Flavour } from "../../schemas/plan.ts";
import { type Findings, quoted } from "./findings.ts";

/** `MetaDataOps.sanitize`: what a config's name becomes in table and dataset names. */
export function sanitize(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_]/g, "_");
}

/**
 * The rows of a GroupBy in the online store (`Extensions.scala`). Two names that differ only in
 * case or punctuation are one dataset and overwrite each other's rows.
 */
export function kvDataset(config: string): string {
  return `${sanitize(config).toUpperCase()}_BATCH`;
}

/** Upload table of a GroupBy's output table. Zipline has two underscores since July 2025. */
export function uploadTable(output: string, flavour: Flavour): string {
  return `${output}${flavour === "zipline" ? "__upload" : "_upload"}`;
}

/** What the steps of a join's consistency check write (`Extensions.scala`), by the join's output. */
export function consistencyTables(output: string): {
  readonly logged: string;
  readonly comparison: string;
  readonly consistency: string;
} {
  return {
    logged: `${output}_logged`,
    comparison: `${output}_comparison`,
    consistency: `${output}_consistency`,
  };
}

/**
 * Whether a text may be the name of a config or team. Names become parts of ids, paths, labels and
 * command lines, so only letters, digits, `_`, `-` and single dots are taken.
 */
export function isName(text: string): boolean {
  return (
    text.length <= 400 &&
    /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(text) &&
    !text.includes("..") &&
    text !== "__proto__"
  );
}

const namePart = /^(?!__proto__$)[A-Za-z0-9_$][A-Za-z0-9_$:-]*$/;
const subPartition = /^[A-Za-z0-9_]+=[A-Za-z0-9_%:.+-]+$/;

/**
 * A table as Landfall names it: `db.table[/sub=partition...]`, without the backticks SQL quotes
 * odd names with, so that one table has one name. Null, and an error, when it is no table's name.
 */
export function tableName(text: string, findings: Findings): string | null {
  if (/\{\{|\}\}/.test(text)) {
    findings.error(`table ${quoted(text)} holds a template nobody filled in; write its real name`);
    return null;
  }
  const [base = "", ...subs] = text.trim().replaceAll("`", "").split("/");
  const good =
    base.length <= 300 &&
    text.length <= 500 &&
    base.split(".").every((part) => namePart.test(part)) &&
    subs.every((sub) => subPartition.test(sub) && !sub.includes(".."));
  if (good) return [base, ...subs].join("/");
  findings.error(
    `${quoted(text)} is not the name of a table; write db.table or db.table/column=value`,
  );
  return null;
}
