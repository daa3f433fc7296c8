import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteBus } from "../../adapters/embedded/bus.ts";
import { busPart, queueOver } from "../../adapters/embedded/bus-queue.ts";
import { scaledClock, systemClock } from "../../adapters/embedded/clock.ts";
import { openDatabase } from "../../adapters/embedded/database.ts";
import { sqliteKeyValueStore } from "../../adapters/embedded/key-value-store.ts";
import { sqliteTaskStore } from "../../adapters/embedded/task-store.ts";
import { type BusPlace, describeBus } from "./bus.contract.ts";
import { describeClock } from "./clock.contract.ts";
import type { Place } from "./contract.ts";
import { describeKeyValueStore } from "./key-value-store.contract.ts";
import { describeTaskStore } from "./task-store.contract.ts";

/** Openings of one file in a folder of its own. */
async function inFolder<Port>(
  open: (file: string) => Port,
): Promise<Place<Port> & { readonly file: string }> {
  const folder = await mkdtemp(join(tmpdir(), "landfall-contract-"));
  return {
    file: join(folder, "port.db"),
    open: () => open(join(folder, "port.db")),
    dispose: () => rm(folder, { recursive: true }),
  };
}

describeTaskStore("SQLite", () => inFolder((file) => sqliteTaskStore({ file })));

describeBus("SQLite", async (): Promise<BusPlace> => {
  const place = await inFolder((file) => sqliteBus({ file }));
  return {
    ...place,
    async publishRaw(body) {
      const database = openDatabase(place.file, busPart);
      database.write(() => queueOver(database).insert([body]));
      database.close();
    },
  };
});

describeKeyValueStore("SQLite", () => inFolder((file) => sqliteKeyValueStore({ file })));

const clocks = {
  system: { open: systemClock, stepMs: 20 },
  "20,000 times as fast": {
    open: () => scaledClock({ start: Date.parse("2025-10-02T00:00:00Z"), speed: 20_000 }),
    stepMs: 400_000,
  },
  "ten times slower": { open: () => scaledClock({ start: 0, speed: 0.1 }), stepMs: 2 },
} as const;
for (const [name, { open, stepMs }] of Object.entries(clocks)) {
  describeClock(name, async () => ({ open, dispose: async () => {} }), { stepMs });
}
