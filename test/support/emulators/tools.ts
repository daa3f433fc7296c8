import { execFile } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A program that can be started, or one line that says why not and how to get it. */
export type Tool =
  | { readonly kind: "found"; readonly path: string }
  | { readonly kind: "missing"; readonly why: string };

/** The release that honours `ifGenerationMatch` and publishes notifications; older ones do not. */
export const fakeGcsVersion = "v1.55.1";

const components = {
  pubsub: { id: "pubsub-emulator", path: "pubsub-emulator/bin/cloud-pubsub-emulator", java: true },
  firestore: {
    id: "cloud-firestore-emulator",
    path: "cloud-firestore-emulator/cloud_firestore_emulator",
    java: true,
  },
  bigtable: { id: "bigtable", path: "bigtable-emulator/cbtemulator", java: false },
} as const;

/** An emulator that is a component of the Google Cloud CLI. */
export async function cloudCliEmulator(name: keyof typeof components): Promise<Tool> {
  const { id, path, java } = components[name];
  const root = await cloudCliRoot();
  if (root === null) {
    return missing(`the ${name} emulator: no gcloud on the PATH; install the Google Cloud CLI`);
  }
  const program = join(root, "platform", path);
  if (!existsSync(program)) {
    return missing(
      `the ${name} emulator is not in ${root}; install it with: gcloud components install ${id}`,
    );
  }
  if (java && onPath("java") === null) {
    return missing(`the ${name} emulator needs Java; install a Java runtime, 17 or newer`);
  }
  return { kind: "found", path: program };
}

/**
 * fake-gcs-server, which stands in for Cloud Storage. Installed from its source into the user's
 * cache when it is not there: its releases on the PATH may be too old to keep our promises.
 */
export async function fakeGcsServer(): Promise<Tool> {
  const folder = join(cacheFolder(), `fake-gcs-server-${fakeGcsVersion}`);
  const program = join(folder, "fake-gcs-server");
  if (existsSync(program)) return { kind: "found", path: program };
  const go = onPath("go");
  const module = `github.com/fsouza/fake-gcs-server@${fakeGcsVersion}`;
  if (go === null) {
    return missing(
      `fake-gcs-server is not in ${folder}, and there is no Go to install it with; install Go, or put it there`,
    );
  }
  try {
    await run(go, ["install", module], { env: { ...process.env, GOBIN: folder } });
    return { kind: "found", path: program };
  } catch (cause) {
    const line = (cause as Error).message.trim().split("\n").at(-1) ?? "";
    return missing(`fake-gcs-server: GOBIN=${folder} go install ${module} failed: ${line}`);
  }
}

function missing(why: string): Tool {
  return { kind: "missing", why };
}

function cacheFolder(): string {
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "landfall");
}

function onPath(program: string): string | null {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? null;
}

/** Beside the `gcloud` on the PATH when that holds emulators, else where gcloud says it is. */
async function cloudCliRoot(): Promise<string | null> {
  const gcloud = onPath("gcloud");
  if (gcloud === null) return null;
  const beside = dirname(dirname(realpathSync(gcloud)));
  if (existsSync(join(beside, "platform"))) return beside;
  const said = await run(gcloud, ["info", "--format=value(installation.sdk_root)"]).catch(
    () => null,
  );
  return said?.stdout.trim() || null;
}
