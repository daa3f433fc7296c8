import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";

const read = (path: string) => readFileSync(resolve(import.meta.dirname, "..", path), "utf8");
const page = read("docs/from-airflow.md");

/** What stands before what replaces it: the first cells of the page's tables. */
const parts = page
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .map((line) => withoutNames(line.split(" | ")[0] ?? ""))
  .join("\n");

/** `chronon_batch_dag_{team}` is the same name whatever the plan calls the team. */
function withoutNames(text: string): string {
  return text.replaceAll(/\{[^}]*\}/g, "{}");
}

function isThere(name: string): boolean {
  const escaped = withoutNames(name).replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(String.raw`(?<![\w-])${escaped}(?![\w-])`, "i").test(parts);
}

test("what docs/from-airflow.md links to is there", () => {
  const links = [...page.matchAll(/\]\(([\w-]*\.?m?d?)(?:#([\w-]+))?\)/g)];
  expect(links.length).toBeGreaterThan(10);
  for (const [link, file = "", anchor] of links) {
    const titles = [...read(`docs/${file || "from-airflow.md"}`).matchAll(/^#+ (.*)$/gm)];
    const anchors = titles.map(([, title = ""]) => title.toLowerCase().replaceAll(" ", "-"));
    if (anchor !== undefined) expect(anchors, link).toContain(anchor);
  }
  const decisions = read("docs/decisions.md");
  for (const [name] of page.matchAll(/\bD-\d{3}\b/g)) expect(decisions).toContain(`## ${name} `);
});

const note = resolve(import.meta.dirname, "../../shared/airflow-design.md");
const absent = !existsSync(note);
if (absent) console.log(`skipped: the plan that docs/from-airflow.md answers is not at ${note}`);

describe.skipIf(absent)("docs/from-airflow.md has a row for", () => {
  const text = absent ? "" : readFileSync(note, "utf8");
  const names = (pattern: RegExp, within = text) => [
    ...new Set([...within.matchAll(pattern)].map(([whole, name]) => name ?? whole)),
  ];
  const between = (start: string, end: string) =>
    text.slice(text.indexOf(start) + start.length).split(end)[0] ?? "";
  /** The words before `=` in calls of what is named so. */
  const namedArguments = (called: string) =>
    names(new RegExp(String.raw`(?<!class )\b(?:${called})\((\n.*?)\n *\)\n`, "gs")).flatMap(
      (call) => names(/^ *(\w+)=/gm, call),
    );
  const extra = names(/extra_args=\{(.*?)\}\n/gs);

  test.each<readonly [what: string, found: readonly string[]]>([
    ["DAGs, and whatever else is named so", names(/(?<=["`])chronon_(?:\{[^}]*\}|\w)+(?=["`])/g)],
    ["operators and sensors", names(/\b[A-Z]\w*(?:Operator|Sensor)\b/g)],
    ["classes of its own", names(/^class (\w+)/gm)],
    ["arguments of a DAG", namedArguments("DAG")],
    ["arguments of an operator or sensor", namedArguments(String.raw`\w+(?:Operator|Sensor)`)],
    ["what is passed on to Chronon", extra.flatMap((given) => names(/"([\w-]+)":/g, given))],
    ["constants", names(/^([A-Za-z]\w*) = /gm)],
    ["fields of teams.json", names(/"(\w+)": (?!\{)/g, between("```json\n", "```"))],
    ["settings of clusters", names(/"([\w:.]+)": /g, between("def get_cluster_config", "```"))],
    ["modes", [...names(/--mode ([\w-]+)/g), ...names(/mode="([\w-]+)"/g)]],
    ["options", names(/ (--[a-z][a-z-]+)/g, between("### Current State", "### Challenges"))],
    ["variables of commands", names(/\$([A-Z_]+)/g)],
    ["measured fields", names(/'(\w+)': /g)],
    ["files", names(/\w+\.py\b/g)],
    [
      "dashboards",
      names(/\*\*(.*?)(?: Dashboard)?\*\*/g, between("### 3. Dashboard Views", "## ")),
    ],
    ["later plans", names(/\*\*(.*?)\*\*/g, between("## Future Enhancements\n\n", "\n## "))],
  ])("all %s", (_, found) => {
    expect(found.length).toBeGreaterThan(3);
    expect(found.filter((name) => !isThere(name))).toEqual([]);
  });
});
