import { Client, credentials } from "@grpc/grpc-js";
import { type Server, startServer } from "./server.ts";

/** The environment variables that Google's clients look at, one an emulator. */
export const variables = {
  pubsub: "PUBSUB_EMULATOR_HOST",
  firestore: "FIRESTORE_EMULATOR_HOST",
  bigtable: "BIGTABLE_EMULATOR_HOST",
  storage: "STORAGE_EMULATOR_HOST",
} as const;
export type EmulatorName = keyof typeof variables;

/** The project that everything in the emulators belongs to. */
export const emulatedProject = "landfall-local";
/** The topic on which fake-gcs-server tells of finalized objects, of every bucket. */
export const objectsTopic = "lake-objects";

const host = "127.0.0.1";

interface At {
  readonly program: string;
  readonly port: number;
  /** What the emulators started before it put into the environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Starts one emulator; resolves when it answers a real request. */
export const starters: Readonly<Record<EmulatorName, (at: At) => Promise<Server>>> = {
  pubsub: ({ program, port }) =>
    startServer({
      name: "pubsub",
      program,
      args: [`--host=${host}`, `--port=${port}`],
      probe: () => get(`http://${host}:${port}/v1/projects/${emulatedProject}/topics`),
    }),
  firestore: ({ program, port }) =>
    startServer({
      name: "firestore",
      program,
      args: ["start", `--host=${host}`, `--port=${port}`],
      probe: () =>
        get(
          `http://${host}:${port}/v1/projects/${emulatedProject}/databases/(default)/documents/probe`,
        ),
    }),
  bigtable: ({ program, port }) =>
    startServer({
      name: "bigtable",
      program,
      args: ["-host", host, "-port", `${port}`],
      probe: () => listTables(`${host}:${port}`),
    }),
  async storage({ program, port, env }) {
    const pubsub = env[variables.pubsub] ?? "";
    const topic = `http://${pubsub}/v1/projects/${emulatedProject}/topics/${objectsTopic}`;
    await fetch(topic, { method: "PUT" });
    return startServer({
      name: "storage",
      program,
      args: storageArgs(`${host}:${port}`, port),
      env: { [variables.pubsub]: pubsub },
      probe: () => get(`http://${host}:${port}/storage/v1/b?project=${emulatedProject}`),
    });
  },
};

/** The value of an emulator's environment variable; Cloud Storage's is a URL. */
export function valueOf(name: EmulatorName, port: number): string {
  return `${name === "storage" ? "http://" : ""}${host}:${port}`;
}

function storageArgs(address: string, port: number): string[] {
  const flags = {
    scheme: "http",
    host,
    port: `${port}`,
    backend: "memory",
    "public-host": address,
    "external-url": `http://${address}`,
    "event.pubsub-project-id": emulatedProject,
    "event.pubsub-topic": objectsTopic,
    "event.list": "finalize",
  };
  return Object.entries(flags).flatMap(([flag, value]) => [`-${flag}`, value]);
}

async function get(url: string): Promise<void> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`${answer.status}`);
}

/** By hand, since the Bigtable client first looks for Google's credentials, for seconds and aloud. */
async function listTables(address: string): Promise<void> {
  const client = new Client(address, credentials.createInsecure());
  const parent = Buffer.from(`projects/${emulatedProject}/instances/probe`);
  const request = Buffer.concat([Buffer.from([0x0a, parent.length]), parent]);
  try {
    await new Promise<void>((resolve, reject) => {
      client.makeUnaryRequest(
        "/google.bigtable.admin.v2.BigtableTableAdmin/ListTables",
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        request,
        { deadline: Date.now() + 2_000 },
        (error) => (error === null ? resolve() : reject(error)),
      );
    });
  } finally {
    client.close();
  }
}
