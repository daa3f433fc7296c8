import { z } from "zod";

/** What begins the name of every environment variable that is a setting. */
const prefix = "LANDFALL_";

/** Variables that say something else to Landfall: the file, and what only its tests look at. */
const notSettings = /^LANDFALL_(SETTINGS$|TEST_)/;

/** Variables of others that are settings of ours too, when ours do not say otherwise. */
const borrowed: Readonly<Record<string, string>> = {
  PORT: "port",
  GOOGLE_CLOUD_PROJECT: "gcp.project",
  PUBSUB_EMULATOR_HOST: "gcp.emulators.pubsub",
  FIRESTORE_EMULATOR_HOST: "gcp.emulators.firestore",
  BIGTABLE_EMULATOR_HOST: "gcp.emulators.bigtable",
  STORAGE_EMULATOR_HOST: "gcp.emulators.storage",
};

export type Env = Readonly<Record<string, string | undefined>>;

/** A setting by its path in the settings (`gcp.project`), and the variable that gives it. */
export interface FromEnv {
  readonly path: string;
  readonly variable: string;
  readonly value: unknown;
}

/**
 * The name of the variable of a setting: `gcp.dataproc.idleLookMs` is
 * `LANDFALL_GCP__DATAPROC__IDLE_LOOK_MS`. Two underscores go a level down, one divides words.
 */
export function variableOf(path: string): string {
  const level = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  return prefix + path.split(".").map(level).join("__");
}

/**
 * Settings of the environment. Those of Google Cloud are borrowed only when that is the world: a
 * project that happens to be in a shell is not asked for. Throws a sentence for a name nobody knows.
 */
export function settingsOfEnv(env: Env, schema: z.ZodObject, isGoogleCloud: boolean): FromEnv[] {
  const found = new Map<string, FromEnv>();
  const add = (path: string, variable: string, text: string) =>
    found.set(path, { path, variable, value: valueOf(schemaAt(schema, path), text) });
  for (const [variable, path] of Object.entries(borrowed)) {
    const text = env[variable];
    if (text === undefined || text === "") continue;
    if (isGoogleCloud || !path.startsWith("gcp.")) add(path, variable, text);
  }
  if (env["K_SERVICE"] !== undefined) {
    found.set("host", { path: "host", variable: "K_SERVICE", value: "0.0.0.0" });
  }
  for (const [variable, text] of Object.entries(env)) {
    if (text === undefined || !variable.startsWith(prefix) || notSettings.test(variable)) continue;
    const path = pathOf(variable);
    if (schemaAt(schema, path) === null) {
      throw new Error(`${variable} is no setting: there is no ${path}`);
    }
    add(path, variable, text);
  }
  return [...found.values()];
}

/** The path that a variable names. */
function pathOf(variable: string): string {
  return variable
    .slice(prefix.length)
    .toLowerCase()
    .split("__")
    .map((level) => level.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()))
    .join(".");
}

/** What a setting must be; null when there is none of that path. Entries of maps have no names here. */
export function schemaAt(schema: z.ZodObject, path: string): z.ZodType | null {
  let at: z.ZodType = schema;
  for (const name of path.split(".")) {
    const inner = unwrapped(at);
    const next = inner instanceof z.ZodObject ? (inner.shape[name] as z.ZodType) : undefined;
    if (next === undefined) return null;
    at = next;
  }
  return at;
}

/** A type without its default. */
export function unwrapped(schema: z.ZodType): z.ZodType {
  let at = schema;
  while (
    at instanceof z.ZodDefault ||
    at instanceof z.ZodPrefault ||
    at instanceof z.ZodOptional ||
    at instanceof z.ZodExactOptional
  ) {
    at = at.unwrap() as z.ZodType;
  }
  return at;
}

/** Text for a setting that is text; JSON for all others, or what is said when it is none. */
function valueOf(schema: z.ZodType | null, text: string): unknown {
  const wanted = schema === null ? null : unwrapped(schema);
  if (wanted instanceof z.ZodString || wanted instanceof z.ZodStringFormat) return text;
  if (wanted instanceof z.ZodEnum) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
