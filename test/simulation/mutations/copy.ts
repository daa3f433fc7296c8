import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../bundle.ts";
import { type Planted, withEdits } from "./planted.ts";

const copied = [
  "package.json",
  "tsconfig.json",
  "tsconfig.build.json",
  "adapters",
  "bench",
  "cli",
  "core",
  "docs",
  "examples",
  "lake",
  "ports",
  "releases",
  "schemas",
  "services",
  "test",
  "README.md",
  "vitest.config.ts",
  "firestore.indexes.json",
  ".oxlintrc.json",
];

/** The sources with a bug planted in them, in a folder of its own. */
export interface Copy {
  readonly folder: string;
  remove(): void;
}

/** Throws when the bug's edits do not fit the sources any more. */
export function copyWith({ name, edits }: Planted): Copy {
  const folder = mkdtempSync(join(tmpdir(), "landfall-planted-"));
  for (const part of copied) cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  for (const edit of edits) {
    const path = join(folder, edit.file);
    writeFileSync(path, withEdits(name, [edit], readFileSync(path, "utf8")));
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
