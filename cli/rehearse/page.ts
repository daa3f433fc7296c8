import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Graph, layout } from "@dagrejs/dagre";
import { indexPlan } from "../../core/plan-index.ts";
import { isAsked, type Rehearsed } from "./machine.ts";
import type { Report } from "./report.ts";

/** A page that shows a rehearsal: one file that needs nothing else, not even a network. */
export async function rehearsalPage(rehearsed: Rehearsed, report: Report): Promise<string> {
  const file = (name: string) => readFile(new URL(`page/${name}`, import.meta.url), "utf8");
  const echarts = createRequire(import.meta.url).resolve("echarts/package.json");
  const parts: Readonly<Record<string, string>> = {
    style: await file("page.css"),
    script: await file("page.js"),
    echarts: await readFile(join(dirname(echarts), "dist", "echarts.min.js"), "utf8"),
    data: JSON.stringify(dataOf(rehearsed, report)).replaceAll("<", "\\u003c"),
  };
  const page = await file("page.html");
  return page.replaceAll(
    /(?:\/\*|")\{(\w+)\}(?:\*\/|")/g,
    (mark, name: string) => parts[name] ?? mark,
  );
}

/** What the page's script draws from. */
function dataOf(rehearsed: Rehearsed, report: Report): object {
  const asked = rehearsed.tasks.filter((task) => isAsked(rehearsed, task));
  return {
    report,
    rows: rowsOf(rehearsed),
    bars: asked.flatMap(({ id, step, runs }) =>
      runs.flatMap(({ run, attempts }) =>
        attempts.map(({ attempt, claimedAt, endedAt, outcome, error }) => ({
          row: step,
          task: id,
          run,
          attempt,
          from: claimedAt,
          to: endedAt ?? rehearsed.endedAt,
          outcome: outcome ?? "not ended",
          error,
        })),
      ),
    ),
    landings: rehearsed.arrivals
      .filter(({ partition }) => report.from <= partition && partition <= report.to)
      .map(({ name, partition, at, late }) => ({ row: name, partition, at, late })),
    ...graphOf(rehearsed),
  };
}

/** Rows of the chart: external tables, then steps as their pipelines have them. */
function rowsOf({ plan, arrivals }: Rehearsed): { id: string; pipelines: string[] }[] {
  const readBy = new Map<string, Set<string>>();
  for (const { inputs, pipeline } of plan.steps) {
    for (const { table } of inputs) {
      readBy.set(table, (readBy.get(table) ?? new Set()).add(pipeline));
    }
  }
  const tables = [...new Set(arrivals.map(({ name }) => name))].sort();
  const index = indexPlan(plan);
  const steps = plan.pipelines.flatMap(({ name, steps: ids }) =>
    ids
      .filter((id) => (index.step(id)?.schedule ?? null) !== null)
      .sort((a, b) => index.depth(a) - index.depth(b))
      .map((id) => ({ id, pipelines: [name] })),
  );
  return [...tables.map((id) => ({ id, pipelines: [...(readBy.get(id) ?? [])] })), ...steps];
}

interface Node {
  readonly id: string;
  readonly kind: "step" | "table";
}

const nodeHeight = 22;
const widthOfCharacter = 6;

/** Scheduled steps and the tables they read from outside, laid out from left to right. */
function graphOf({ plan, arrivals }: Rehearsed): { nodes: object[]; edges: [string, string][] } {
  const index = indexPlan(plan);
  const steps = plan.steps.filter(({ schedule }) => schedule !== null);
  const shown = new Set(steps.map(({ id }) => id));
  const outside = new Set(arrivals.map(({ name }) => name));
  const edges: [string, string][] = steps.flatMap((step) => [
    ...step.after.map((id): [string, string] => [id, step.id]),
    ...step.inputs.flatMap(({ table }): [string, string][] => {
      const producer = index.producerOf(table)?.id;
      if (producer !== undefined) return [[producer, step.id]];
      return outside.has(table) ? [[table, step.id]] : [];
    }),
  ]);
  const known = edges.filter(([from]) => shown.has(from) || outside.has(from));
  const unique = [...new Map(known.map((edge) => [edge.join(" "), edge])).values()];
  const nodes: Node[] = [
    ...[...outside].map((id): Node => ({ id, kind: "table" })),
    ...steps.map(({ id }): Node => ({ id, kind: "step" })),
  ];
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 10, ranksep: 90 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id } of nodes) {
    graph.setNode(id, { width: 16 + widthOfCharacter * id.length, height: nodeHeight });
  }
  for (const [from, to] of unique) graph.setEdge(from, to);
  layout(graph);
  return {
    nodes: nodes.map((node) => {
      const { x, y, width, height } = graph.node(node.id);
      return { ...node, x, y, width, height };
    }),
    edges: unique,
  };
}
