import { readFileSync } from "node:fs";
import { z } from "zod";
import { DEFAULTS_OF_WORLD, Deployment } from "../schemas/deployment.ts";
import { type Env, schemaAt, settingsOfEnv, unwrapped, variableOf } from "./settings-env.ts";

/** Settings as they are not allowed to be; the message is for people, one line. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/** One setting that is in force, and who said so. */
export interface Origin {
  /** `gcp.project`. */
  readonly path: string;
  readonly value: unknown;
  /** `default`, `default of gcp`, the file's name, or the variable's. */
  readonly from: string;
}

/** The settings in force. */
export interface Effective {
  readonly settings: Deployment;
  readonly origins: readonly Origin[];
}

/**
 * Settings of a file (`LANDFALL_SETTINGS` when none is named) and of the environment, which wins.
 * Throws `SettingsError` for whatever is unknown, missing or wrong, with its name.
 */
export function readSettings(env: Env, named?: string): Effective {
  const file = named ?? env["LANDFALL_SETTINGS"];
  const layers: Layer[] = [];
  if (file !== undefined && file !== "") {
    layers.push(...leavesOf(jsonOf(file)).map((leaf) => ({ ...leaf, from: file })));
  }
  const world = env["LANDFALL_WORLD"] ?? layers.find(({ path }) => path === "world")?.value;
  const chosen = world === "gcp" ? "gcp" : "embedded";
  layers.unshift(
    ...Object.entries(DEFAULTS_OF_WORLD[chosen]).map(([path, value]) => ({
      path,
      value,
      from: `default of ${chosen}`,
    })),
  );
  layers.push(...envLayers(env, world === "gcp"));
  const said = new Map<string, Layer>();
  for (const layer of layers) {
    // A value of a whole section replaces what was said of its parts.
    for (const path of said.keys()) if (path.startsWith(`${layer.path}.`)) said.delete(path);
    said.set(layer.path, layer);
  }
  const settings = parsed(treeOf(said.values()), said);
  const wrong = settings.zipline === undefined ? null : ziplineRefused(settings, env);
  if (wrong !== null) {
    const from = [...said].find(([path]) => path.split(".")[0] === "zipline")?.[1].from;
    throw new SettingsError(`settings ${from}: zipline ${wrong}`);
  }
  return { settings, origins: originsOf(settings, said) };
}

/** Why a world cannot run the zipline CLI; null when it can. */
function ziplineRefused({ world, command }: Deployment, env: Env): string | null {
  if (world === "gcp" || env["K_SERVICE"] !== undefined) {
    return "runs a CLI on a host or VM of an embedded world; on Google Cloud jobs go to Dataproc directly (gcp.dataproc): leave it out";
  }
  return command === undefined ? null : "and command both say what runs a job: leave one out";
}

interface Layer {
  readonly path: string;
  readonly value: unknown;
  readonly from: string;
}

function envLayers(env: Env, isGoogleCloud: boolean): Layer[] {
  try {
    return settingsOfEnv(env, Deployment, isGoogleCloud).map(({ path, variable, value }) => ({
      path,
      value,
      from: variable,
    }));
  } catch (cause) {
    throw new SettingsError((cause as Error).message, { cause });
  }
}

function jsonOf(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new SettingsError(`cannot read settings ${file}: ${(cause as Error).message}`, { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SettingsError(`settings ${file} are not JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Settings one by one: down to what is no object of the schema. Unknown ones are kept, for zod. */
function leavesOf(value: unknown, path = ""): { path: string; value: unknown }[] {
  const schema = path === "" ? Deployment : schemaAt(Deployment, path);
  const section = schema !== null && unwrapped(schema) instanceof z.ZodObject;
  if (!section || typeof value !== "object" || value === null || Array.isArray(value)) {
    return [{ path, value }];
  }
  return Object.entries(value).flatMap(([name, inner]) =>
    leavesOf(inner, path === "" ? name : `${path}.${name}`),
  );
}

type Tree = { [name: string]: unknown };

function treeOf(layers: Iterable<Layer>): Tree {
  const tree: Tree = {};
  for (const { path, value } of layers) {
    const names = path.split(".");
    const last = names.pop() ?? "";
    let at = tree;
    for (const name of names) {
      const next = at[name];
      const below = typeof next === "object" && next !== null ? (next as Tree) : {};
      at[name] = below;
      at = below;
    }
    at[last] = value;
  }
  return tree;
}

function parsed(tree: Tree, said: ReadonlyMap<string, Layer>): Deployment {
  const found = Deployment.extend({}).strict().safeParse(tree);
  if (!found.success) throw new SettingsError(issuesOf(found.error, said));
  const { data } = found;
  if (data.world === "gcp" && data.gcp === undefined) {
    throw new SettingsError(
      `world is gcp, and gcp is not set: give at least ${["project", "lake", "configs", "bigtableInstance"].map((name) => variableOf(`gcp.${name}`)).join(", ")}`,
    );
  }
  const noPool = unknownPool(data, said);
  if (noPool !== null) throw new SettingsError(noPool);
  const unknown = unknownRoute(data.alerts);
  if (unknown !== null) {
    throw new SettingsError(unknown);
  }
  return data;
}

/** What names a pool that is none; null when all are. The defaults may: `pools` replaces them. */
function unknownPool(settings: Deployment, said: ReadonlyMap<string, Layer>): string | null {
  for (const setting of ["poolOfMode", "poolOfConfType"] as const) {
    const from = said.get(setting)?.from;
    if (from === undefined) continue;
    const wrong = Object.entries(settings[setting]).find(
      ([, pool]) => !Object.hasOwn(settings.pools, pool),
    );
    if (wrong === undefined) continue;
    return `settings ${from}: ${setting}.${wrong[0]} names pool "${wrong[1]}", which pools has not`;
  }
  return null;
}

/** What names a route of alerts that is none; null when all are. */
function unknownRoute({ routes, defaultRoutes, teams }: Deployment["alerts"]): string | null {
  const named = [
    ...defaultRoutes.map((route) => ["alerts.defaultRoutes", route] as const),
    ...Object.entries(teams).flatMap(([team, own]) =>
      own.map((route) => [`alerts.teams.${team}`, route] as const),
    ),
  ];
  const wrong = named.find(([, route]) => route !== "log" && !Object.hasOwn(routes, route));
  return wrong === undefined
    ? null
    : `${wrong[0]} names route "${wrong[1]}", which alerts.routes has not`;
}

/** What zod found, each with who said so: `PORT: port: Invalid input: expected number`. */
function issuesOf(error: z.ZodError, said: ReadonlyMap<string, Layer>): string {
  return error.issues
    .map(({ path, message }) => {
      const names = path.map(String);
      const from = names
        .map((_, at) => said.get(names.slice(0, names.length - at).join("."))?.from)
        .find((one) => one !== undefined);
      const file = [...said.values()].find(({ from: one }) => one.endsWith(".json"))?.from;
      const where = from ?? file;
      const name = names.join(".");
      if (where === undefined && name !== "") return `${name} (${variableOf(name)}): ${message}`;
      const what = name === "" ? message : `${name}: ${message}`;
      return where === undefined ? what : `settings ${where}: ${what}`;
    })
    .join("; ");
}

/** Every setting in force, in the order of the schema. */
function originsOf(settings: Deployment, said: ReadonlyMap<string, Layer>): Origin[] {
  return leavesOf(settings).map(({ path, value }) => {
    const names = path.split(".");
    const layer = names
      .map((_, at) => said.get(names.slice(0, names.length - at).join(".")))
      .find((one) => one !== undefined);
    return { path, value, from: layer?.from ?? "default" };
  });
}
