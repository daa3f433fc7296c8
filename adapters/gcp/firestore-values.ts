import { decodedKey, encodedKey } from "./firestore-names.ts";

/** A moment of Firestore's clock, to the microsecond. */
export interface Moment {
  readonly seconds: number | string;
  readonly nanos: number;
}

/** A value as Firestore's protocol has it: the kinds that JSON can hold. */
export type Value =
  | { readonly nullValue: "NULL_VALUE" }
  | { readonly booleanValue: boolean }
  | { readonly integerValue: number | string }
  | { readonly doubleValue: number }
  | { readonly stringValue: string }
  | { readonly timestampValue: Moment }
  | { readonly arrayValue: { readonly values?: Value[] | null } }
  | { readonly mapValue: { readonly fields?: Fields | null } };

export type Fields = { [name: string]: Value };

/**
 * The fields of a document, each a plain one that the Firestore console shows and edits. What is
 * undefined is left out, as JSON would. Names are encoded where Firestore refuses them.
 */
export function fieldsOf(body: object): Fields {
  const fields = Object.entries(body).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    fields.map(([key, value]): [string, Value] => [encodedKey(key), valueOf(value)]),
  );
}

/** What `fieldsOf` made its argument from. */
export function bodyOf(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [decodedKey(key), plainOf(value)]),
  );
}

function valueOf(value: unknown): Value {
  if (value === null) return { nullValue: "NULL_VALUE" };
  if (typeof value === "boolean") return { booleanValue: value };
  if (typeof value === "string") return { stringValue: encodedText(value) };
  if (typeof value === "number") {
    return Number.isSafeInteger(value) && !Object.is(value, -0)
      ? { integerValue: value }
      : { doubleValue: value };
  }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(elementOf) } };
  if (typeof value === "object") return { mapValue: { fields: fieldsOf(value) } };
  throw new Error(`a document holds JSON only, not a ${typeof value}`);
}

function elementOf(value: unknown): Value {
  if (Array.isArray(value)) throw new Error("Firestore keeps no list directly within a list");
  return valueOf(value);
}

function plainOf(value: Value): unknown {
  if ("stringValue" in value) return decodedText(value.stringValue);
  if ("integerValue" in value) return Number(value.integerValue);
  if ("doubleValue" in value) return value.doubleValue;
  if ("booleanValue" in value) return value.booleanValue;
  if ("mapValue" in value) return bodyOf(value.mapValue.fields ?? {});
  if ("arrayValue" in value) return (value.arrayValue.values ?? []).map(plainOf);
  return null;
}

/** Begins a text that UTF-8 cannot hold: one with half of a surrogate pair. */
const mark = "\uF8FF";

/** Text as Firestore keeps it; everyday texts stay as they are. Queries must encode theirs, too. */
export function encodedText(text: string): string {
  if (!text.startsWith(mark) && !/\p{Cs}/u.test(text)) return text;
  const escape = (character: string) =>
    mark + character.charCodeAt(0).toString(16).padStart(4, "0");
  return mark + text.replaceAll(/\uF8FF|\p{Cs}/gu, escape);
}

function decodedText(text: string): string {
  if (!text.startsWith(mark)) return text;
  return text
    .slice(1)
    .replaceAll(/\uF8FF([0-9a-f]{4})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
}
