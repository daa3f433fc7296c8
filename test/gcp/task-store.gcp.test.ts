import { readFileSync } from "node:fs";
import { afterAll, expect } from "vitest";
import {
  type FirestoreDatabase,
  firestoreDatabase,
} from "../../adapters/gcp/firestore-database.ts";
import type { StructuredQuery } from "../../adapters/gcp/firestore-queries.ts";
import { taskStoreOver } from "../../adapters/gcp/task-store.ts";
import { describeTaskStore } from "../contract/task-store.contract.ts";
import { emulated, freshProject } from "../support/emulators/emulated.ts";
import { FirestoreIndexes, servingIndex } from "../support/firestore-indexes.ts";
import { hurried } from "../support/hurried.ts";

const sent: StructuredQuery[] = [];

function recorded(database: FirestoreDatabase): FirestoreDatabase {
  return {
    ...database,
    query(query) {
      sent.push(query);
      return database.query(query);
    },
  };
}

emulated(["firestore"], "the Firestore store", () => {
  describeTaskStore(
    "Firestore",
    async () => {
      const projectId = freshProject();
      return {
        open: () => taskStoreOver(recorded(firestoreDatabase({ projectId })), hurried),
        dispose: async () => {},
      };
    },
    {
      skip: [
        {
          reason:
            "the emulator shows readers half of a commit while it applies it, in read-only transactions too; Firestore does not",
          tests: ["no reader sees half a commit"],
        },
      ],
    },
  );

  afterAll(() => {
    const file = new URL("../../firestore.indexes.json", import.meta.url);
    const declared = FirestoreIndexes.parse(JSON.parse(readFileSync(file, "utf8")));
    expect(sent.length).toBeGreaterThan(0);
    expect(sent.filter((query) => servingIndex(query, declared) === null)).toEqual([]);
  });
});
