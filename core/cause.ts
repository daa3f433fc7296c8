/** Longer texts differ by what came of the cause, not by the cause. */
const causeMax = 300;

/**
 * An error without what differs between two that have one cause: the names given, addresses and
 * paths, ids and digits. Two errors with the same answer are taken for the same trouble.
 */
export function causeOf(error: string, names: readonly string[] = []): string {
  let text = error;
  for (const name of names.flatMap(spellings).toSorted((a, b) => b.length - a.length)) {
    text = text.replaceAll(name, "…");
  }
  return text
    .replaceAll(/\b[a-z][a-z\d+.-]*:\/\/[^\s"'`,;)\]]+/gi, "…")
    .replaceAll(/(?<![\w.…/])\/(?:[\w.=%+-]+\/)+[\w.=%+-]*/g, "…")
    .replaceAll(/\b[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}\b/gi, "#")
    .replaceAll(/\b(?=[a-f]*\d)[\da-f]{8,}\b/gi, "#")
    .replaceAll(/\d+/g, "#")
    .replaceAll(/\s+/g, " ")
    .trim()
    .slice(0, causeMax);
}

/** A config's name is also part of the names of its tables, with underscores. */
function spellings(name: string): string[] {
  return name === "" ? [] : [name, name.replaceAll(".", "_")];
}
