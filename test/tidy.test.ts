import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("..", import.meta.url).pathname;
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => path !== "" && existsSync(`${root}${path}`));
const text = (path: string) => readFileSync(`${root}${path}`, "utf8");
const sources = files.filter((path) => path.endsWith(".ts"));

test("nothing is left open in code: file an issue and name it in the message instead", () => {
  const marks = new RegExp(["TO", "DO|FIX", "ME|X", "XX"].join(""));
  expect(sources.filter((path) => marks.test(text(path)))).toEqual([]);
});

test("no test is switched off without saying so when it runs: use skipIf and print the reason", () => {
  const off = /\b(it|test|describe)\.(only|skip|todo)\(/;
  expect(sources.filter((path) => path.startsWith("test/") && off.test(text(path)))).toEqual([]);
});

test("a markdown file has one title", () => {
  for (const path of files.filter((name) => name.endsWith(".md"))) {
    const prose = text(path).replaceAll(/```.*?```/gs, "");
    expect(prose.match(/^# /gm) ?? [], path).toHaveLength(1);
  }
});

test("every module is imported by another, or is an entry point", () => {
  const entry =
    /^(cli|examples\/demo|services\/\w+)\/main\.ts$|^bench\/|^test\/(simulation|simulation\/mutations|support\/emulators)\/main\.ts$|^test\/support\/(emulators\/(global-setup|install)|no-colors)\.ts$|^vitest(\.gcp)?\.config\.ts$|\.test\.ts$/;
  const imported = new Set<string>();
  for (const path of sources) {
    for (const [, target] of text(path).matchAll(
      /(?:from|import\(|new URL\()\s*"(\.[^"]+\.ts)"/g,
    )) {
      imported.add(new URL(target ?? "", `file:///${path}`).pathname.slice(1));
    }
  }
  expect(sources.filter((path) => !entry.test(path) && !imported.has(path))).toEqual([]);
});

test("every port has a contract suite", () => {
  const plain = new Set(["errors", "log", "world"]);
  const ports = files
    .filter((path) => path.startsWith("ports/"))
    .map((path) => path.slice("ports/".length, -".ts".length))
    .filter((name) => !plain.has(name));
  for (const port of ports) {
    expect(files, `test/contract/${port}.contract.ts is missing`).toContain(
      `test/contract/${port}.contract.ts`,
    );
  }
});
