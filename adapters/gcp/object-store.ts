import { randomUUID } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { PubSub } from "@google-cloud/pubsub";
import type { Bucket, File, FileMetadata, GetFilesOptions } from "@google-cloud/storage";
import { filter, fromEvent, takeUntil, tap, throwError } from "rxjs";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import type { ObjectInfo, ObjectStore, StoredObject } from "../../ports/object-store.ts";
import { partsOfName } from "../object-name.ts";
import { cloudStorage } from "./cloud-storage.ts";
import { objectError, statusOf } from "./object-errors.ts";
import { isFolder, listedFields, ObjectResource, objectInfo } from "./object-info.ts";
import { type Notifications, objectNotifications } from "./object-notifications.ts";
import { RECONNECTING } from "./pubsub-errors.ts";
import { toldObjects } from "./told-objects.ts";

export interface CloudStorageOptions {
  readonly project: string;
  readonly bucket: string;
  /** A subscription to the bucket's notifications; without one nobody can listen. */
  readonly subscription?: string;
  /** Notifications that reach this process in another way. */
  readonly notifications?: Notifications;
  /** Another place than Google's, `http://host:port`: the emulator's. */
  readonly apiEndpoint?: string;
  readonly warn?: (message: string) => void;
}

/**
 * One bucket as the object store. Reading costs two requests at once (the bytes, and what is known
 * of them), or one where a notification or a list has just told of the object; writing one, listing
 * one for each thousand objects.
 */
export function cloudStorageObjectStore(options: CloudStorageOptions): ObjectStore {
  const bucket = cloudStorage(options).bucket(options.bucket);
  const isThere = bucketCheck(bucket);
  const closing = new AbortController();
  const news = newsOf(options);
  const told = toldObjects();
  return {
    async read(name) {
      partsOfName(name);
      const found = await read(bucket.file(name), told.of(name));
      if (found === null) await isThere();
      return found;
    },
    async info(name) {
      partsOfName(name);
      const found = await infoNow(bucket.file(name));
      if (found === null) await isThere();
      return found;
    },
    async list(prefix, { after = "", limit = Number.POSITIVE_INFINITY } = {}) {
      const folder = prefix.slice(0, Math.max(0, prefix.lastIndexOf("/")));
      if (folder !== "") partsOfName(folder);
      const found = await list(bucket, { prefix, after, limit });
      for (const info of found) told.remember(info);
      return found;
    },
    async write(name, bytes, { ifAbsent = false } = {}) {
      partsOfName(name);
      return ifAbsent ? writeIfAbsent(bucket.file(name), bytes) : write(bucket.file(name), bytes);
    },
    notifications(prefixes = []) {
      if (news === null) return throwError(() => noSubscription(options.bucket));
      const wanted = (name: string) =>
        prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix));
      return news.stream.pipe(
        takeUntil(fromEvent(closing.signal, "abort")),
        filter(({ name }) => wanted(name)),
        tap((info) => told.remember(info)),
      );
    },
    async close() {
      if (closing.signal.aborted) return;
      closing.abort();
      await news?.close();
    },
  };
}

function newsOf({
  project,
  bucket,
  subscription,
  notifications: pushed,
  warn = () => {},
}: CloudStorageOptions) {
  if (pushed !== undefined) return { stream: pushed.stream, close: () => pushed.ended() };
  if (subscription === undefined) return null;
  const pubsub = new PubSub({ projectId: project, ...RECONNECTING });
  const notifications = objectNotifications({ pubsub, subscription, bucket, warn });
  return {
    stream: notifications.stream,
    async close() {
      await notifications.ended();
      await pubsub.close();
    },
  };
}

function noSubscription(bucket: string): PermanentError {
  return new PermanentError(
    `nobody can listen to the bucket ${bucket}: no subscription to its notifications is set`,
  );
}

/** How often an object may be overwritten while it is read before the reader gives up. */
const readsMax = 5;

/**
 * Bytes and generation belong together: when it was overwritten between the two, or since it was told
 * of, both are read again.
 */
async function read(file: File, told: ObjectInfo | undefined): Promise<StoredObject | null> {
  try {
    for (let reads = 0; reads < readsMax; reads += 1) {
      const known = reads === 0 ? told : undefined;
      const [info, downloaded] = await Promise.all([known ?? infoOf(file), download(file)]);
      if (info.generation === downloaded.generation) return { ...info, bytes: downloaded.bytes };
    }
  } catch (cause) {
    if (statusOf(cause) === 404) return null;
    throw objectError({ doing: `read ${file.name}`, bucket: file.bucket.name }, cause);
  }
  throw new RetryableError(`cannot read ${file.name}: it is overwritten all the time`);
}

async function infoNow(file: File): Promise<ObjectInfo | null> {
  const metadata = await metadataOf(file);
  return metadata === null ? null : objectInfo(ObjectResource.parse(metadata));
}

async function infoOf(file: File): Promise<ObjectInfo> {
  const [metadata] = await file.getMetadata();
  return objectInfo(ObjectResource.parse(metadata));
}

async function download(file: File) {
  let generation = Number.NaN;
  const stream = file.createReadStream();
  stream.on("response", ({ headers }: { headers: Record<string, string> }) => {
    generation = Number(headers["x-goog-generation"]);
  });
  return { bytes: new Uint8Array(await buffer(stream)), generation };
}

/**
 * A missing object and a missing bucket are answered alike, and to ask for what is not there is
 * everyday. So the bucket is looked at then, at most once a minute.
 */
function bucketCheck(bucket: Bucket): () => Promise<void> {
  const everyMs = 60_000;
  let seen = Number.NEGATIVE_INFINITY;
  return async () => {
    if (performance.now() - seen < everyMs) return;
    await list(bucket, { prefix: "", after: "", limit: 1 });
    seen = performance.now();
  };
}

/** The most objects that one answer lists. */
const pageMax = 1_000;

async function list(
  bucket: Bucket,
  query: { readonly prefix: string; readonly after: string; readonly limit: number },
): Promise<readonly ObjectInfo[]> {
  const { prefix, after, limit } = query;
  const found: ObjectInfo[] = [];
  let pageToken: string | undefined;
  while (found.length < limit) {
    const page = await listPage(bucket, {
      prefix,
      ...(after === "" ? {} : { startOffset: after }),
      ...(pageToken === undefined ? {} : { pageToken }),
      // `after` itself is in the answer.
      maxResults: Math.min(pageMax, limit - found.length + 1),
    });
    for (const info of page.objects) {
      if (info.name !== after && !isFolder(info.name)) found.push(info);
    }
    pageToken = page.pageToken;
    if (pageToken === undefined) break;
  }
  return found.slice(0, limit);
}

async function listPage(bucket: Bucket, query: GetFilesOptions) {
  try {
    const [files, next] = await bucket.getFiles({
      ...query,
      fields: listedFields,
      autoPaginate: false,
    });
    // Asked for some fields, the library answers what was sent, and no files.
    const objects = (files as unknown[]).map((one) => objectInfo(ObjectResource.parse(one)));
    return { objects, pageToken: (next as GetFilesOptions | null)?.pageToken };
  } catch (cause) {
    throw objectError(
      { doing: `list ${query.prefix || "all objects"}`, bucket: bucket.name },
      cause,
    );
  }
}

async function write(file: File, bytes: Uint8Array): Promise<"written"> {
  try {
    await file.save(bytes, { resumable: false });
    return "written";
  } catch (cause) {
    throw objectError({ doing: `write ${file.name}`, bucket: file.bucket.name }, cause);
  }
}

/** The name of the metadata field that tells whose write it was. */
const writer = "landfall-write";

/**
 * The library repeats a conditional write whose answer was lost, and hears that there is an object:
 * its own. So each write carries a mark, and whoever hears of an object looks whose it is.
 */
async function writeIfAbsent(file: File, bytes: Uint8Array): Promise<"written" | "exists"> {
  const mark = randomUUID();
  try {
    await file.save(bytes, {
      resumable: false,
      preconditionOpts: { ifGenerationMatch: 0 },
      metadata: { metadata: { [writer]: mark } },
    });
    return "written";
  } catch (cause) {
    if (statusOf(cause) === 412) return (await markOf(file)) === mark ? "written" : "exists";
    throw objectError({ doing: `write ${file.name}`, bucket: file.bucket.name }, cause);
  }
}

async function markOf(file: File): Promise<unknown> {
  return (await metadataOf(file))?.metadata?.[writer];
}

/** Null when there is no such object, or no such bucket. */
async function metadataOf(file: File): Promise<FileMetadata | null> {
  try {
    const [metadata] = await file.getMetadata();
    return metadata;
  } catch (cause) {
    if (statusOf(cause) === 404) return null;
    throw objectError({ doing: `look at ${file.name}`, bucket: file.bucket.name }, cause);
  }
}
