import { expect, test } from "vitest";
import { COLLECTIONS, type Collection, parseDocument } from "../../schemas/documents.ts";
import { emulated, freshProject } from "../support/emulators/emulated.ts";
import { describedFields } from "../support/firestore-docs.ts";
import { documentsOfADay } from "../support/firestore-scenario.ts";

emulated(["firestore"], "documents in Firestore", () => {
  test("a day of all services leaves documents of every collection, and every field is described", async () => {
    const dump = await documentsOfADay(freshProject());
    for (const collection of Object.keys(COLLECTIONS) as Collection[]) {
      const documents = dump.get(collection) ?? [];
      expect(documents, collection).not.toEqual([]);
      const described = describedFields(collection);
      for (const { name, fields } of documents) {
        expect(() => parseDocument(`${collection}/${name}`, fields)).not.toThrow();
        expect(described, `${collection}/${name}`).toEqual(
          expect.arrayContaining(Object.keys(fields)),
        );
      }
    }
  }, 60_000);
});
