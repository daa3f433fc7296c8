import { parquetWriteBuffer } from "hyparquet-writer";
import { Subject } from "rxjs";
import { afterEach, expect, test } from "vitest";
import { openSimulated, type SimulatedWorld } from "../../adapters/simulated/open.ts";
import { consistencyText } from "../../cli/consistency-text.ts";
import { readConfigs } from "../../cli/read-configs.ts";
import { runServices } from "../../cli/run-services.ts";
import { addDays, partitionEndMs } from "../../core/dates.ts";
import { commitDelta } from "../../lake/delta-writer.ts";
import type { Log } from "../../ports/log.ts";
import { writeRelease } from "../../releases/release.ts";
import type { ConsistencyDocument } from "../../schemas/consistency.ts";
import type { Partition } from "../../schemas/ids.ts";
import { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import { Settings } from "../../schemas/settings.ts";

const hourMs = 3_600_000;
const configs = new URL("../../examples/payments-risk/compiled", import.meta.url).pathname;
const join = "risk.checkout.v1__0";
const consistency = "risk_data.risk_checkout_v1__0_consistency";
const days = ["2026-03-02", "2026-03-03", "2026-03-04"] as const;

/** The raw log lies in BigQuery: a load job there says which day is complete. */
const settings = Settings.parse({
  externalClosing: { when: "at-landing" },
  tables: { "logs.fetcher_requests": { closing: { when: "manual" } } },
  consistency: { logTable: "logs.fetcher_requests", schemaTable: "logs.fetcher_schemas" },
  tickMs: 60_000,
});

/** On the second day nobody asked for the join: the log has nothing of it. */
const behaviour = RehearsalBehaviour.parse({
  durationMs: [5 * 60_000, 20 * 60_000],
  faults: [{ step: `${join}/log-flattener`, partition: days[1], does: "write-nothing" }],
});

let world: SimulatedWorld;
const stop = new Subject<void>();
afterEach(async () => {
  stop.next();
  await world.close();
});

/** Three days of a join's consistency check: what landed, what was decided and why, what was found. */
test("logs land by word, jobs follow one another, and what they found is published", async () => {
  const story: string[] = [];
  const start = partitionEndMs(days[0]);
  world = openSimulated({ start, seed: 1, settings, behaviour });
  const { clock, lake, bus, store } = world;
  const tell = (what: string) =>
    story.push(`${new Date(clock.now()).toISOString().slice(0, 16)} ${what}`);
  const log: Log = {
    info(fields, message) {
      const { task, to, why } = fields as { task?: string; to?: string; why?: string };
      if (task === undefined) {
        if (message.startsWith("consistency of")) tell(`published ${message.slice(15)}`);
      } else if (isOfCheck(task)) tell(`${to} ${task.slice(join.length + 1)}: ${why}`);
    },
    warn: (_fields, message) => tell(`warning ${message}`),
    error: (_fields, message) => tell(`error ${message}`),
  };
  const pace = { beatMs: 60_000, reconcileMs: 24 * hourMs, saveMs: 24 * hourMs };
  const done = runServices({ world, settings, log, stop, pace });
  const release = await writeRelease(world.configs, await readConfigs(configs));
  await bus.publish([{ kind: "configs-released", schema: 1, release }]);
  const pass = (hours: number) => clock.runUntil(clock.now() + hours * hourMs);
  const lands = async (table: string, day: Partition) => {
    tell(`lands ${table}@${day}`);
    await write(world, table, day);
  };

  for (const day of days) {
    await clock.runUntil(partitionEndMs(day) + hourMs);
    story.push("");
    await lands("logs.fetcher_schemas", day);
    await pass(0.5);
    tell(`lands logs.fetcher_requests@${day}, as its loader in BigQuery says`);
    const landing = { state: "landed", version: { epoch: 0, n: 1 }, at: clock.now() } as const;
    await bus.publish([
      {
        kind: "partition-landed",
        schema: 1,
        table: "logs.fetcher_requests",
        partition: day,
        landing: { ...landing, seenBy: "manual" },
        backlog: false,
      },
    ]);
    await pass(1);
    for (const table of ["crm.merchants", "payments.transactions"]) await lands(table, day);
    await pass(3);
  }
  story.push("");
  tell(`somebody computes ${days[2]} again by hand, of two other features`);
  await commitDelta(
    lake,
    { path: consistency.replace(".", "/"), partitionColumn: "ds" },
    {
      partitions: [{ partition: days[2], rows: 1 }],
      mode: "overwrite-partitions",
      operation: "WRITE",
      engineInfo: "a notebook",
      dataFile: () => fileOf({ amount_sum: 40, late_mismatch_sum: 0 }),
      newId: () => "by-hand",
      at: clock.now(),
    },
  );
  await pass(1);
  const ids = days.map((day) => `consistency/${join}@${day}` as const).toReversed();
  const read = await store.read(ids);
  const found = ids.flatMap((id) => read.get(id)?.body ?? []) as ConsistencyDocument[];
  story.push("", `landfall consistency ${join}`, "", consistencyText(found), "");
  stop.next();
  await Promise.race([done, clock.runUntil(clock.now() + hourMs)]);
  await expect(story.join("\n")).toMatchFileSnapshot("consistency.txt");
});

function isOfCheck(task: string): boolean {
  return task.startsWith(`${join}/`) && !task.startsWith(`${join}/backfill@`);
}

/** A foreign writer; the first day brings the week that windows reach back to. */
async function write({ lake, clock }: SimulatedWorld, table: string, day: Partition) {
  const week = Array.from({ length: 8 }, (_, back) => addDays(day, -back));
  const partitions = day === days[0] && table.startsWith("payments") ? week : [day];
  await commitDelta(
    lake,
    { path: table.replace(".", "/"), partitionColumn: "ds" },
    {
      partitions: partitions.map((partition) => ({ partition, rows: 10 })),
      mode: "append",
      operation: "WRITE",
      engineInfo: "somebody else",
      newId: () => `${table}-${day}`,
      at: clock.now(),
    },
  );
}

/** An hour of a thousand requests; of each feature as many differ as is said. */
function fileOf(mismatches: Readonly<Record<string, number>>): Uint8Array {
  const column = (name: string, n: number) => ({ name, data: [BigInt(n)], type: "INT64" as const });
  const columnData = Object.entries(mismatches).flatMap(([feature, mismatched]) => [
    column(`${feature}_both_null_sum`, 0),
    column(`${feature}_left_null_sum`, 0),
    column(`${feature}_mismatch_sum`, mismatched),
    column(`${feature}_right_null_sum`, 10),
    column(`${feature}_total_count`, 1_000),
  ]);
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}
