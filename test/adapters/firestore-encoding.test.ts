import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodedKey,
  documentIdOf,
  documentPath,
  encodedKey,
} from "../../adapters/gcp/firestore-names.ts";
import { bodyOf, fieldsOf } from "../../adapters/gcp/firestore-values.ts";
import type { DocumentId } from "../../schemas/documents.ts";
import { hostileNames } from "../support/documents.ts";

const anyText = fc.oneof(
  fc.constantFrom(...hostileNames, "__x__", "..", "%", "%~", "%u0041", "\uF8FF", "a.b"),
  fc.string({ unit: "binary" }),
);

function isFirestoreName(name: string): boolean {
  return (
    name !== "" &&
    name !== "." &&
    name !== ".." &&
    !/\p{Cs}|\//u.test(name) &&
    !/^__.*__$/s.test(name) &&
    Buffer.byteLength(name) <= 1_500
  );
}

describe("a document's name", () => {
  test("stays as people know it, but for slashes", () => {
    expect(documentPath("tasks/risk.merchant_features.v1__0/upload@2025-09-30")).toBe(
      "tasks/risk.merchant_features.v1__0%2Fupload@2025-09-30",
    );
    expect(documentPath("landings/data.höß@2025-09")).toBe("landings/data.höß@2025-09");
  });

  test("is one Firestore takes, and tells the id it was made from", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const id: DocumentId = `pools/${text}`;
        const path = documentPath(id);
        expect(path.slice("pools/".length)).toSatisfy(isFirestoreName);
        expect(documentIdOf(path)).toBe(id);
      }),
      { numRuns: 1_000 },
    );
  });

  test("that is too long ends in a hash of the whole", () => {
    const [one, other] = [
      documentPath(`pools/${"表".repeat(600)}a`),
      documentPath(`pools/${"表".repeat(600)}b`),
    ];
    expect(one).not.toBe(other);
    for (const path of [one, other, documentPath(`pools/${"/".repeat(900)}`)]) {
      expect(path.slice("pools/".length)).toSatisfy(isFirestoreName);
      expect(documentIdOf(path)).toBeNull();
    }
    expect(one).toMatch(/^pools\/表{400,}%~[\w-]{43}$/);
  });
});

describe("fields", () => {
  test("are plain ones, named as the schema names them", () => {
    const body = {
      state: { kind: "ready", since: 3 },
      runs: [],
      reads: { "data.x": { d: "0.1" } },
    };
    expect(fieldsOf({ ...body, gone: undefined })).toEqual({
      state: {
        mapValue: { fields: { kind: { stringValue: "ready" }, since: { integerValue: 3 } } },
      },
      runs: { arrayValue: { values: [] } },
      reads: {
        mapValue: {
          fields: { "data.x": { mapValue: { fields: { d: { stringValue: "0.1" } } } } },
        },
      },
    });
  });

  test("hold any JSON but lists in lists, and give it back", () => {
    const { anyBody } = fc.letrec((tie) => ({
      anyBody: fc.dictionary(anyText, tie("anyValue"), { noNullPrototype: true }),
      anyValue: fc.oneof(
        { maxDepth: 4 },
        anyText,
        fc.double(),
        fc.maxSafeInteger(),
        fc.constant(null),
        fc.boolean(),
        tie("anyBody"),
        fc.array(fc.oneof(anyText, tie("anyBody")), { maxLength: 3 }),
      ),
    }));
    fc.assert(
      fc.property(anyBody, (body) => {
        expect(bodyOf(fieldsOf(body as object))).toEqual(body);
      }),
      { numRuns: 500 },
    );
    expect(() => fieldsOf({ a: [[1]] })).toThrow("list");
    expect(() => fieldsOf({ a: () => 1 })).toThrow("JSON");
  });

  test("have names that Firestore takes", () => {
    fc.assert(
      fc.property(anyText, (key) => {
        expect(encodedKey(key)).not.toMatch(/^__.*__$|^$|\p{Cs}/su);
        expect(decodedKey(encodedKey(key))).toBe(key);
      }),
      { numRuns: 1_000 },
    );
    expect(encodedKey("risk.a/upload@2025-09-30")).toBe("risk.a/upload@2025-09-30");
  });
});
