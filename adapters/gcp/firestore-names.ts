import { createHash } from "node:crypto";
import { collectionOf, type DocumentId } from "../../schemas/documents.ts";

/** Firestore takes no longer name of a document. */
const nameBytesMax = 1_500;

/** Of a longer name so much stays readable, before the hash of the whole. */
const readableBytesMax = 1_400;

const cutMark = "%~";

/**
 * Where a document lies below its database: `{collection}/{id}`, the id as it is but for what
 * Firestore refuses or a path would be split at, which is percent-encoded. Different ids always get
 * different paths.
 */
export function documentPath(id: DocumentId): string {
  const collection = collectionOf(id);
  return `${collection}/${encodedName(id.slice(collection.length + 1))}`;
}

/** The id that `documentPath` made its argument from; null when it was too long to be kept whole. */
export function documentIdOf(path: string): DocumentId | null {
  const slash = path.indexOf("/");
  const name = path.slice(slash + 1);
  if (name.includes(cutMark)) return null;
  return `${path.slice(0, slash)}/${name === "%" ? "" : unescaped(name)}` as DocumentId;
}

/** A key of a map, which may not be empty nor look reserved. Slashes and dots may stay. */
export function encodedKey(key: string): string {
  return key === "" ? "%" : unreserved(escaped(key, /[%\p{Cs}]/gu));
}

/** What `encodedKey` made its argument from. */
export function decodedKey(key: string): string {
  return key === "%" ? "" : unescaped(key);
}

function encodedName(name: string): string {
  if (name === "") return "%";
  if (name === "." || name === "..") return name.replaceAll(".", "%2E");
  const encoded = unreserved(escaped(name, /[%/\p{Cc}\p{Cs}]/gu));
  if (Buffer.byteLength(encoded) <= nameBytesMax) return encoded;
  const hash = createHash("sha256").update(encoded).digest("base64url");
  return `${cut(encoded)}${cutMark}${hash}`;
}

/** The longest beginning that is short enough and ends with a whole character. */
function cut(text: string): string {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > readableBytesMax) break;
    end += character.length;
  }
  return text.slice(0, end);
}

/** `__x__` is reserved by Firestore. */
function unreserved(text: string): string {
  return /^__.*__$/s.test(text) ? `%5F${text.slice(1)}` : text;
}

function escaped(text: string, what: RegExp): string {
  return text.replaceAll(what, (character) => {
    const code = character.charCodeAt(0);
    const hex = code.toString(16).toUpperCase();
    return code < 0x100 ? `%${hex.padStart(2, "0")}` : `%u${hex.padStart(4, "0")}`;
  });
}

function unescaped(text: string): string {
  return text.replaceAll(/%u([0-9A-F]{4})|%([0-9A-F]{2})/g, (_, long?: string, short?: string) =>
    String.fromCharCode(Number.parseInt(long ?? short ?? "", 16)),
  );
}
