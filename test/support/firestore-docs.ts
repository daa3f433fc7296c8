import { readFileSync } from "node:fs";
import type { Collection } from "../../schemas/documents.ts";

const text = readFileSync(new URL("../../docs/firestore.md", import.meta.url), "utf8");

/** The part of `docs/firestore.md` under a heading. */
function section(heading: string): string {
  const from = text.indexOf(`\n## ${heading}\n`);
  if (from < 0) throw new Error(`docs/firestore.md has no section ${heading}`);
  const to = text.indexOf("\n## ", from + 1);
  return text.slice(from, to < 0 ? text.length : to);
}

/** Fields that `docs/firestore.md` describes for documents of a collection. */
export function describedFields(collection: Collection): string[] {
  const rows = `${section("Names")}${section(`\`${collection}\``)}`.matchAll(/^\| `(\w+)` \|/gm);
  return [...rows].map(([, name = ""]) => name);
}

/** The documents of a collection that `docs/firestore.md` shows. */
export function shownDocuments(collection: Collection): unknown[] {
  const shown = section(`\`${collection}\``).matchAll(/```json\n(.*?)```/gs);
  return [...shown].map(([, json = ""]) => JSON.parse(json) as unknown);
}
