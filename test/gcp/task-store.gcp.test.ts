import { firestoreTaskStore } from "../../adapters/gcp/task-store.ts";
import { describeTaskStore } from "../contract/task-store.contract.ts";
import { freshProject, withEmulator } from "../support/emulators.ts";

withEmulator("FIRESTORE_EMULATOR_HOST", () => {
  describeTaskStore(
    "Firestore",
    async () => {
      const projectId = freshProject();
      return { open: () => firestoreTaskStore({ projectId }), dispose: async () => {} };
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
});
