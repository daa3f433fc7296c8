import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { DIALECTS } from "../adapters/chronon/dialects.ts";
import { OWN_FIELDS, OWN_FIELDS_OF_TASKS } from "../adapters/gcp/firestore-documents.ts";
import { readSettings } from "../adapters/read-settings.ts";
import { KINDS } from "../core/alerts/kinds.ts";
import { METRIC_COLUMNS } from "../core/job-metrics-columns.ts";
import { STATUS } from "../core/status.ts";
import { AlertSettings, RouteSettings } from "../schemas/alert-settings.ts";
import { DataprocSettings } from "../schemas/dataproc.ts";
import { Deployment } from "../schemas/deployment.ts";
import { COLLECTIONS, type Collection, parseDocument } from "../schemas/documents.ts";
import { GoogleCloud } from "../schemas/google-cloud.ts";
import { METRICS } from "../schemas/metrics.ts";
import { MetricsSettings } from "../schemas/metrics-settings.ts";
import { readEvent } from "../schemas/read-event.ts";
import { Settings } from "../schemas/settings.ts";
import { ZiplineSettings } from "../schemas/zipline.ts";
import { describedFields, shownDocuments } from "./support/firestore-docs.ts";

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

test("docs/settings.md describes every setting, with its default", () => {
  const text = read("docs/settings.md");
  const defaults = Deployment.parse({});
  const names = Object.keys(Deployment.shape).filter((name) => name !== "servingInfo");
  for (const name of names) {
    const value = new Map<string, unknown>(Object.entries(defaults)).get(name);
    const row = text.split("\n").find((line) => line.startsWith(`| \`${name}\` |`));
    expect(row, `docs/settings.md has no row for ${name}`).toBeDefined();
    if (value !== undefined && typeof value !== "object")
      expect(row).toContain(`\`${JSON.stringify(value)}\``);
  }
});

test("docs/settings.md describes every setting of Google Cloud, with its default", () => {
  const [, section = ""] = read("docs/settings.md").split("## Google Cloud");
  const given = { project: "p", lake: "gs://l", configs: "gs://c", bigtableInstance: "b" };
  const defaults = new Map<string, unknown>(Object.entries(GoogleCloud.parse(given)));
  for (const name of Object.keys(GoogleCloud.shape)) {
    const row = section.split("\n").find((line) => line.startsWith(`| \`${name}\` |`));
    expect(row, `docs/settings.md has no row for gcp.${name}`).toBeDefined();
    const value = defaults.get(name);
    if (Object.hasOwn(given, name) || value === undefined || typeof value === "object") continue;
    expect(row).toContain(`\`${JSON.stringify(value)}\``);
  }
});

test("what docs/google-cloud.md exports, deploys and publishes is what Landfall takes", () => {
  const text = read("docs/google-cloud.md");
  const said = [...text.matchAll(/\b(LANDFALL_(?!TEST_)[A-Z_]+)=([^\s;'`]+)/g)];
  const env = Object.fromEntries(said.map(([, name = "", value = ""]) => [name, value]));
  expect(Object.keys(env).length).toBeGreaterThan(6);
  const { LANDFALL_GCP__EMULATORS__DATAPROC: _, ...rest } = env;
  expect(readSettings(rest).settings).toMatchObject({ world: "gcp", gcp: { project: "acme" } });
  const messages = [...text.matchAll(/--message='([^']+)'/g)].map(([, json]) => json ?? "");
  expect(messages.map((json) => readEvent(json).kind)).toEqual([
    "event",
    "event",
    "event",
    "event",
  ]);
  const push = /```json\n(.*?)```/s.exec(text)?.[1] ?? "";
  const { gcp } = JSON.parse(push) as { gcp: { push: unknown } };
  expect(GoogleCloud.shape.push.safeParse(gcp.push).success).toBe(true);
  for (const [, service] of text.matchAll(/--args=(\w+)/g)) {
    expect(() => read(`services/${service}/main.ts`)).not.toThrow();
  }
});

test("docs/dataproc.md describes every setting of Dataproc, with its default", () => {
  const rows = read("docs/dataproc.md")
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  const defaults = DataprocSettings.parse({ project: "p", configs: "gs://c" });
  for (const name of Object.keys(DataprocSettings.shape)) {
    const row = rows.find((line) => (line.split("|")[1] ?? "").includes(`\`${name}\``));
    expect(row, `docs/dataproc.md has no row for ${name}`).toBeDefined();
    const value = new Map<string, unknown>(Object.entries(defaults)).get(name);
    const given = name === "project" || name === "configs";
    if (typeof value === "object" || value === undefined || given) continue;
    expect(row).toContain(`\`${JSON.stringify(value)}\``);
  }
});

test("docs/zipline-cli.md describes every setting and dialect, and its example is settings", () => {
  const text = read("docs/zipline-cli.md");
  const rows = text.split("\n").filter((line) => line.startsWith("| `"));
  const cells = (of: number) => rows.map((row) => row.split(" | ")[of] ?? "");
  const defaults = new Map<string, unknown>(Object.entries(ZiplineSettings.parse({})));
  for (const name of Object.keys(ZiplineSettings.shape)) {
    const at = cells(0).findIndex((cell) => cell.includes(`\`${name}\``));
    expect(at, `docs/zipline-cli.md has no row for ${name}`).toBeGreaterThan(-1);
    const value = defaults.get(name);
    if (value !== undefined && typeof value !== "object")
      expect(cells(1)[at]).toBe(`\`${JSON.stringify(value)}\``);
  }
  for (const { name, releases } of DIALECTS) {
    expect(cells(0)).toContain(`| \`${name}\``);
    if (releases !== null) expect(text).toContain(`${releases.join(" to ")} are \`${name}\``);
  }
  const json = /```json\n(.*?)```/s.exec(text)?.[1] ?? "";
  expect(Deployment.strict().parse(JSON.parse(json)).zipline?.versions).not.toEqual({});
});

test("docs/streams.md describes every setting of streams, with its default", () => {
  const rows = read("docs/streams.md").split("\n");
  for (const [name, value] of Object.entries(Settings.parse({}).streams)) {
    const row = rows.find((line) => line.startsWith(`| \`${name}\` |`));
    expect(row, `docs/streams.md has no row for ${name}`).toContain(
      `| \`${JSON.stringify(value)}\` |`,
    );
  }
});

test("the example settings of docs/settings.md are settings", () => {
  const json = /```json\n(.*?)```/s.exec(read("docs/settings.md"))?.[1] ?? "";
  expect(() => Settings.strict().parse(JSON.parse(json))).not.toThrow();
});

test("what docs/consistency.md sets and publishes is what Landfall takes", () => {
  const examples = read("docs/consistency.md").matchAll(/```json\n(.*?)```/gs);
  const [set = "", event = ""] = [...examples].map(([, json]) => json ?? "");
  expect(Settings.strict().parse(JSON.parse(set)).consistency.logTable).toBeDefined();
  expect(readEvent(event)).toMatchObject({
    kind: "event",
    event: { table: "logs.fetcher_requests" },
  });
});

test("docs/architecture.md names every collection", () => {
  const text = read("docs/architecture.md");
  for (const name of Object.keys(COLLECTIONS)) expect(text).toContain(`| \`${name}\` |`);
});

test("files that docs/architecture.md points to are there", () => {
  const paths = [
    ...read("docs/architecture.md").matchAll(/`((?:core|services|test)\/[\w./-]+\.ts)`/g),
  ];
  expect(paths.length).toBeGreaterThan(10);
  for (const [, path] of paths) expect(() => read(path ?? "")).not.toThrow();
});

test("exactly the states that cannot move by themselves are terminal", () => {
  const terminal = Object.entries(STATUS)
    .filter(([, facts]) => facts.terminal)
    .map(([kind]) => kind);
  expect(terminal.sort()).toEqual(["cancelled", "failed", "skipped", "succeeded"]);
});

test("docs/firestore.md describes every field, and shows documents that are ones", () => {
  for (const [collection, schema] of Object.entries(COLLECTIONS)) {
    const own = OWN_FIELDS.filter(
      (name) => collection === "tasks" || !OWN_FIELDS_OF_TASKS.includes(name),
    );
    expect(describedFields(collection as Collection).toSorted(), collection).toEqual(
      [...new Set([...Object.keys(schema.shape), "schema", ...own])].toSorted(),
    );
    const shown = shownDocuments(collection as Collection);
    expect(shown, collection).not.toEqual([]);
    for (const body of shown) {
      expect(() => parseDocument(`${collection as Collection}/shown`, body)).not.toThrow();
    }
  }
});

test("whatever docs/firestore.md shows under a document's name is one of its collection", () => {
  const shown = read("docs/firestore.md").matchAll(
    /`([a-z-]+)\/[^`\n]+`[^\n]*:\n\n```json\n(.*?)```/gs,
  );
  const documents = [...shown].map(([, collection = "", json = ""]) => ({ collection, json }));
  expect(documents.length).toBeGreaterThan(Object.keys(COLLECTIONS).length);
  for (const { collection, json } of documents) {
    const body = JSON.parse(json) as unknown;
    expect(() => parseDocument(`${collection as Collection}/shown`, body), json).not.toThrow();
  }
});

test("docs/alerts.md describes every setting, kind and route, and its example is settings", () => {
  const text = read("docs/alerts.md");
  const rows = text.split("\n").filter((line) => line.startsWith("| `"));
  const rowOf = (name: string) => rows.find((row) => row.startsWith(`| \`${name}\` |`)) ?? "";
  for (const [name, value] of Object.entries(AlertSettings.parse({}))) {
    expect(rowOf(name), `docs/alerts.md has no row for ${name}`).not.toBe("");
    if (typeof value !== "object") expect(rowOf(name)).toContain(`\`${JSON.stringify(value)}\``);
  }
  for (const [kind, { priority }] of Object.entries(KINDS)) {
    expect(rowOf(kind), kind).toContain(`| ${priority} |`);
  }
  for (const { shape } of RouteSettings.options) expect(rowOf(shape.kind.value)).not.toBe("");
  const json = /```json\n(.*?)```/s.exec(text)?.[1] ?? "";
  const { alerts } = Deployment.strict().parse(JSON.parse(json));
  expect(Object.keys(alerts.routes)).toHaveLength(3);
});

test("docs/metrics.md describes every metric, column and setting, and its example is settings", () => {
  const text = read("docs/metrics.md");
  const rows = text.split("\n").filter((line) => line.startsWith("| `"));
  const rowOf = (name: string) =>
    rows.filter((row) => row.startsWith(`| \`${name}\` |`)).join("\n");
  for (const [name, { kind, unit, labels }] of Object.entries(METRICS)) {
    const told = labels.map((label) => `\`${label}\``).join(", ");
    const cells = `| \`${name}\` | ${kind} | \`${unit}\` | ${told} |`;
    expect(rowOf(name).replace("|  |", "| |"), name).toContain(cells.replace("|  |", "| |"));
  }
  for (const { name, type } of METRIC_COLUMNS) {
    expect(rowOf(name), name).toContain(`| \`${name}\` | ${type} |`);
  }
  for (const [name, value] of Object.entries(MetricsSettings.parse({}))) {
    expect(rowOf(name), `docs/metrics.md has no row for ${name}`).not.toBe("");
    if (typeof value !== "object") expect(rowOf(name)).toContain(`\`${JSON.stringify(value)}\``);
  }
  const json = /```json\n(.*?)```/s.exec(text)?.[1] ?? "";
  expect(Deployment.strict().parse(JSON.parse(json)).metrics.prices.vcore).toBeGreaterThan(0);
});
