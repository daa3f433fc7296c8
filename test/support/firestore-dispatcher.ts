import { writeSync } from "node:fs";
import { join } from "node:path";
import { NEVER } from "rxjs";
import { openEmbedded } from "../../adapters/embedded/open.ts";
import { firestoreTaskStore } from "../../adapters/gcp/task-store.ts";
import { silentLog } from "../../ports/log.ts";
import { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import { Settings } from "../../schemas/settings.ts";
import { dispatcher } from "../../services/dispatcher/pipeline.ts";
import { tracker } from "../../services/tracker/pipeline.ts";

/**
 * A replica of the dispatcher, and a tracker beside it, whose state is in Firestore's emulator and whose
 * other ports are in a folder. Says `sending N` when a commit that writes N tasks is on its way, and
 * `committed N` when it was answered.
 */
const [folder = "", projectId = "", by = ""] = process.argv.slice(2);
const settings = Settings.parse({ externalClosing: { when: "at-landing" }, submitWithinMs: 2_000 });
const world = openEmbedded({
  data: join(folder, "data"),
  lake: join(folder, "lake"),
  runner: { kind: "rehearsal", behaviour: RehearsalBehaviour.parse({ durationMs: 100 }) },
  settings,
  log: silentLog,
});
const store = firestoreTaskStore({ projectId });
const ports = {
  ...world,
  settings,
  log: silentLog,
  by,
  leaseMs: 2_000,
  store: {
    ...store,
    async commit(changes: Parameters<typeof store.commit>[0]) {
      const tasks = changes.writes.filter(({ id }) => id.startsWith("tasks/")).length;
      const answering = store.commit(changes);
      if (tasks > 0) writeSync(1, `sending ${tasks}\n`);
      const answer = await answering;
      if (tasks > 0) writeSync(1, `${answer.kind} ${tasks}\n`);
      return answer;
    },
  },
};
dispatcher(ports, NEVER).subscribe();
tracker(ports, NEVER).subscribe();
