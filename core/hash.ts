import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** SHA-256 of a text's UTF-8 bytes, 64 hexadecimal characters. */
export function sha256Hex(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)));
}

/** SHA-256 of texts one after the other, each ended by a line feed; never all in memory as one. */
export function sha256HexOf(texts: Iterable<string>): string {
  const hash = sha256.create();
  for (const text of texts) hash.update(utf8ToBytes(`${text}\n`));
  return bytesToHex(hash.digest());
}

/** A number in [0, 1) that a text decides: jitter that is the same whoever works it out. */
export function unitInterval(seed: string): number {
  return Number.parseInt(sha256Hex(seed).slice(0, 12), 16) / 2 ** 48;
}

const none: ReadonlySet<string> = new Set();

/**
 * JSON with the keys of every object in order, so that equal values have equal text. Left out are
 * keys whose value is undefined, as by `JSON.stringify`, and the `without` ones at any depth.
 */
export function stableJson(value: unknown, without: ReadonlySet<string> = none): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map((each) => stableJson(each, without)).join(",")}]`;
  const fields = value as Readonly<Record<string, unknown>>;
  const keys = Object.keys(fields).filter((key) => fields[key] !== undefined && !without.has(key));
  const texts = keys
    .sort()
    .map((key) => `${JSON.stringify(key)}:${stableJson(fields[key], without)}`);
  return `{${texts.join(",")}}`;
}
