import firestore from "@google-cloud/firestore";
import { credentials } from "@grpc/grpc-js";
import type { StructuredQuery } from "./firestore-queries.ts";
import type { Fields, Moment } from "./firestore-values.ts";

/** A document as it lies below its database. */
export interface StoredDocument {
  /** `{collection}/{encoded id}`. */
  readonly path: string;
  readonly fields: Fields;
  readonly updateTime: Moment;
}

export type Precondition = { readonly exists: false } | { readonly updateTime: Moment };

/** One change of a commit, by path. `unchanged` proves its precondition and writes nothing. */
export type Change =
  | {
      readonly kind: "put";
      readonly path: string;
      readonly fields: Fields;
      /** A field that is to hold when the server took the write. */
      readonly timed?: string;
      readonly if: Precondition;
    }
  | { readonly kind: "delete"; readonly path: string; readonly if: Precondition }
  | { readonly kind: "unchanged"; readonly path: string; readonly if: Precondition };

/**
 * The four calls on Firestore that a task store makes, each one request that is never tried again
 * by itself: a commit whose answer was lost must not be told as refused because it was sent twice.
 * Errors are the client's.
 */
export interface FirestoreDatabase {
  /** For people: which database this is. */
  readonly name: string;
  commit(changes: readonly Change[]): Promise<Moment>;
  /**
   * Those of the documents that are there, without their fields if so asked, all as of `at`: what
   * one request reads before its last read time has not changed until then, Firestore promises.
   */
  read(
    paths: readonly string[],
    fields: "all" | "none",
  ): Promise<{ readonly at: Moment; readonly found: readonly StoredDocument[] }>;
  /** What was there at `at`. */
  query(
    query: StructuredQuery,
  ): Promise<{ readonly at: Moment; readonly found: readonly StoredDocument[] }>;
  close(): Promise<void>;
}

export interface FirestoreOptions {
  readonly projectId: string;
  readonly databaseId?: string;
  /** `host:port` of an emulator; left out: `FIRESTORE_EMULATOR_HOST`, as in Google's own clients. */
  readonly emulator?: string;
}

const callTimeoutMs = 15_000;
const queryTimeoutMs = 60_000;

/** Streams are tried again twice, over seconds, unless both are forbidden. */
const noRetries = { retries: 0, noResponseRetries: 0 };

/** A field no document has: an update of it alone changes nothing, its precondition must hold. */
const noField = "unchanged";

/** Opens a database of Firestore; connects when it is first used. */
export function firestoreDatabase(options: FirestoreOptions): FirestoreDatabase {
  const { projectId, databaseId = "(default)" } = options;
  const connected = connecting(options);
  const database = `projects/${projectId}/databases/${databaseId}`;
  const root = `${database}/documents`;
  const once = (timeout: number) => ({ timeout, retry: null, retryRequestOptions: noRetries });
  const stored = ({ name, fields, updateTime }: FoundDocument): StoredDocument => ({
    path: name.slice(root.length + 1),
    fields: fields ?? {},
    updateTime,
  });
  return {
    name: `Firestore database ${databaseId} of project ${projectId}`,
    async commit(changes) {
      const writes = changes.map((change) => writeOf(root, change));
      const client = await connected.client();
      const [{ commitTime }] = await client.commit({ database, writes }, once(callTimeoutMs));
      return commitTime as Moment;
    },
    async read(paths, fields) {
      const documents = paths.map((path) => `${root}/${path}`);
      const mask = fields === "none" ? { mask: { fieldPaths: ["__name__"] } } : {};
      const found: StoredDocument[] = [];
      let at: Moment = { seconds: 0, nanos: 0 };
      const client = await connected.client();
      const answers: AsyncIterable<BatchGetAnswer> = client.batchGetDocuments(
        { database, documents, ...mask },
        once(callTimeoutMs),
      );
      for await (const answer of answers) {
        if (answer.readTime) at = answer.readTime;
        if (answer.found) found.push(stored(answer.found));
      }
      return { at, found };
    },
    async query(structuredQuery) {
      const found: StoredDocument[] = [];
      const client = await connected.client();
      const answers: AsyncIterable<QueryAnswer> = client.runQuery(
        { parent: root, structuredQuery: { ...structuredQuery } },
        once(queryTimeoutMs),
      );
      let at: Moment = { seconds: 0, nanos: 0 };
      for await (const { document, readTime } of answers) {
        if (readTime) at = readTime;
        if (document) found.push(stored(document));
      }
      return { at, found };
    },
    close: () => connected.close(),
  };
}

interface FoundDocument {
  readonly name: string;
  readonly fields?: Fields | null;
  readonly updateTime: Moment;
}

interface BatchGetAnswer {
  readonly found?: FoundDocument | null;
  readonly readTime?: Moment | null;
}

interface QueryAnswer {
  readonly document?: FoundDocument | null;
  readonly readTime?: Moment | null;
}

/**
 * The client, made when it is first wanted. It is waited for before any call: a call on one that
 * cannot be made (no credentials) would end the process instead of failing.
 */
function connecting(options: FirestoreOptions) {
  let opening: Promise<ReturnType<typeof clientOf>> | null = null;
  let closed = false;
  const open = async () => {
    const client = clientOf(options);
    await client.initialize();
    return client;
  };
  return {
    async client() {
      if (closed) throw new Error("the Firestore database was closed");
      opening ??= open();
      try {
        return await opening;
      } catch (cause) {
        opening = null;
        throw cause;
      }
    },
    async close() {
      closed = true;
      const client = await opening?.catch(() => null);
      await client?.close();
    },
  };
}

/** An emulator asks for no credentials; without any the client would look for those of the machine. */
const nobody = { client_email: "nobody", private_key: "none" };

function clientOf({
  projectId,
  emulator = process.env["FIRESTORE_EMULATOR_HOST"],
}: FirestoreOptions) {
  const { FirestoreClient } = firestore.v1;
  if (emulator === undefined || emulator === "") return new FirestoreClient({ projectId });
  const { hostname, port } = new URL(`http://${emulator}`);
  return new FirestoreClient({
    projectId,
    servicePath: hostname,
    port: Number(port),
    sslCreds: credentials.createInsecure(),
    credentials: nobody,
  });
}

function writeOf(root: string, { path, if: currentDocument, ...change }: Change) {
  const name = `${root}/${path}`;
  if (change.kind === "put") {
    const { fields, timed } = change;
    const updateTransforms =
      timed === undefined ? [] : [{ fieldPath: timed, setToServerValue: "REQUEST_TIME" as const }];
    return { update: { name, fields }, updateTransforms, currentDocument };
  }
  if (change.kind === "delete" || "exists" in currentDocument) {
    return { delete: name, currentDocument };
  }
  return {
    update: { name, fields: {} },
    updateMask: { fieldPaths: [noField] },
    currentDocument,
  };
}
