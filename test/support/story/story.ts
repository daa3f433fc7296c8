import { Subject } from "rxjs";
import { expect, vi } from "vitest";
import { openAlerts } from "../../../adapters/alerts/open.ts";
import { metadataText } from "../../../cli/metadata-text.ts";
import { runServices } from "../../../cli/run-services.ts";
import type { ConfigFile } from "../../../core/compile/config-file.ts";
import { landingsId } from "../../../core/landings.ts";
import { BATCH_TABLE, servingInfoKey } from "../../../core/serving-info.ts";
import { readJobMetrics } from "../../../lake/job-metrics.ts";
import type { JobSpec } from "../../../ports/job-runner.ts";
import { silentLog } from "../../../ports/log.ts";
import { noMetrics } from "../../../ports/metrics.ts";
import { writeRelease } from "../../../releases/release.ts";
import { readPlan } from "../../../releases/stored-plan.ts";
import { AlertSettings } from "../../../schemas/alert-settings.ts";
import type { DocumentId, DocumentOf } from "../../../schemas/documents.ts";
import { LandfallEvent } from "../../../schemas/events.ts";
import type { JobMetric } from "../../../schemas/job-metrics.ts";
import { MetricsSettings } from "../../../schemas/metrics-settings.ts";
import { alertReceiver } from "../alert-receiver.ts";
import { landByOthers } from "../lake.ts";
import { toldAlike } from "./alike.ts";
import { plainly } from "./plain.ts";
import type { Cast, OpenStage, Stage } from "./stage.ts";
import { explained, inOrder, isBusy, tasksOf } from "./tasks.ts";

/** A story of a pipeline: what happens in the world, and what Landfall makes of it. */
export interface Story {
  /** Its golden file is `test/scenarios/{name}.txt`. */
  readonly name: string;
  readonly cast: Cast;
  play(at: Telling): Promise<void>;
}

/** The hands of whoever plays a story. Each tells what it does, then waits until it is taken in. */
export interface Telling {
  readonly stage: Stage;
  /** Configs are released; the watcher has looked at every table they read. */
  release(what: string, files: readonly ConfigFile[]): Promise<void>;
  /** Days land in one commit of another hand. */
  land(table: string, ...days: string[]): Promise<void>;
  /** Somebody says that a day of a table is complete. */
  manual(table: string, day: string): Promise<void>;
  /** It becomes later. */
  later(time: string): void;
  /** Somebody asks for something, in one command or several. */
  ask(what: string, ...commands: object[]): Promise<void>;
  /** Something happens that no other hand here does. */
  happens(what: string): void;
  /**
   * Waits until tasks are as said (`risk.a/upload@2026-03-02 succeeded`) and nothing is on its way,
   * then tells of every job that was submitted and every task that is not as it was told last.
   */
  until(...facts: readonly string[]): Promise<void>;
  /** Waits until a document is as it should be. */
  document<Id extends DocumentId>(
    id: Id,
    is: (body: DocumentOf<Id>) => boolean,
  ): Promise<DocumentOf<Id>>;
  /** Tells which day fetchers are served of a GroupBy. */
  served(config: string): Promise<void>;
  /** Has it looked at what is wrong until so many notices were sent, and tells those not told before. */
  notices(count: number): Promise<void>;
  /** Waits until a stream is as said, then tells of it. */
  stream(config: string, is: string): Promise<void>;
  /** Tells how the online store's metadata stands, once that is as it should be. */
  metadata(is: (head: DocumentOf<"metadata/current">) => boolean): Promise<void>;
  /** Waits until so many finished attempts are in their table, then tells what it says. */
  attempts(count: number): Promise<void>;
  /** One more line, as it is. */
  line(text: string): void;
}

/** A machine that does much else may take long. */
const timeoutMs = 60_000;

/** Plays a story on a world with all services in this process; answers what was told. */
export async function told(story: Story, open: OpenStage): Promise<string> {
  const { cast } = story;
  const stage = await open(cast);
  const pager = await alertReceiver();
  const stop = new Subject<void>();
  const submitted: JobSpec[] = [];
  try {
    const done = services({ stage, cast, stop, submitted, pager: pager.url });
    const lines: string[] = [];
    const notices = () => pager.received.map(({ body }) => JSON.parse(body) as Notice);
    const at = telling({ stage, cast, lines, submitted, notices });
    await Promise.race([
      story.play(at),
      done.then(() => Promise.reject(new Error("services ended"))),
    ]);
    stop.next();
    await done;
    const plain = plainly();
    return `${lines.map(plain).join("\n").trim()}\n`;
  } finally {
    stop.next();
    await stage.close();
    await pager.close();
  }
}

interface Playing {
  readonly stage: Stage;
  readonly cast: Cast;
  readonly stop: Subject<void>;
  readonly submitted: JobSpec[];
  /** Where alerts are sent. */
  readonly pager: string;
}

function services({ stage, cast, stop, submitted, pager }: Playing): Promise<void> {
  const { world, settings, clock, paceMs } = stage;
  const { runner } = world;
  const observed = {
    ...runner,
    async submit(spec: JobSpec) {
      const answer = await runner.submit(spec);
      // Jobs of streams are told as their attempts: when one begins is its keeper's affair.
      if (answer.kind === "accepted" && spec.mode !== "streaming") submitted.push(spec);
      return answer;
    },
  };
  const alerting = AlertSettings.parse({
    ...cast.alerts,
    routes: { pager: { kind: "webhook", key: { env: "PAGER_KEY" }, url: pager } },
    defaultRoutes: ["pager"],
  });
  const env = { PAGER_KEY: "s3cret" };
  const alerts = openAlerts({ settings: alerting, log: silentLog, clock, env });
  const metrics = MetricsSettings.parse({ appendMs: 2 * paceMs, gaugeMs: 60_000 });
  return runServices({
    world: { ...world, runner: observed },
    settings,
    log: silentLog,
    stop,
    pace: { beatMs: paceMs, saveMs: paceMs, reconcileMs: 30_000 },
    alerting: { alerts, settings: alerting },
    measuring: { metrics: noMetrics, settings: metrics },
    streams: true,
  });
}

/** What the webhook is sent, as far as it is told. */
interface Notice {
  readonly change: string;
  readonly kind: string;
  readonly team: string;
  readonly priority: string;
  readonly count: number;
  readonly summary: string;
}

interface Stagecraft {
  readonly stage: Stage;
  readonly cast: Cast;
  readonly lines: string[];
  readonly submitted: JobSpec[];
  readonly notices: () => readonly Notice[];
}

function telling({ stage, cast, lines, submitted, notices }: Stagecraft): Telling {
  const { world, clock, paceMs } = stage;
  const soon = { timeout: timeoutMs, interval: paceMs };
  const { store, bus, configs, lake } = world;
  let time = clock.now();
  let known: Awaited<ReturnType<typeof explained>> = new Map();
  let asked = 0;
  let noticed = 0;

  const happens = (what: string) => {
    const shown = new Date(time).toISOString();
    lines.push("", `${shown.slice(0, 10)}, ${shown.slice(11, 16)}: ${what}`);
  };
  const read = async <Id extends DocumentId>(id: Id) =>
    ((await store.read([id])).get(id)?.body ?? null) as DocumentOf<Id> | null;
  const document = <Id extends DocumentId>(id: Id, is: (body: DocumentOf<Id>) => boolean) =>
    vi.waitFor(async () => {
      const body = await read(id);
      if (body === null || !is(body)) throw new Error(`${id} is ${JSON.stringify(body)}`);
      return body;
    }, soon);
  const landed = (table: string, day: string) =>
    document(landingsId(table, day), ({ partitions }) => Object.hasOwn(partitions, day));

  return {
    stage,
    happens,
    document,
    line: (text) => void lines.push(text),
    async release(what, files) {
      happens(what);
      stage.know(files);
      const release = await writeRelease(configs, files);
      await bus.publish([{ kind: "configs-released", schema: 1, release }]);
      const { hash } = await document("plans/current", (plan) => plan.release === release);
      const plan = await readPlan(configs, hash);
      const external = plan.tables.filter(
        ({ name, external: outside }) =>
          outside && stage.settings.tables[name]?.closing?.when !== "manual",
      );
      for (const { name } of external) await document(`cursors/${name}`, () => true);
      for (const { id, pipeline, schedule } of plan.steps) {
        lines.push(`  ${pipeline}: ${id}, ${schedule ?? "on command"}`);
      }
      for (const { message } of plan.problems) lines.push(`  problem: ${message}`);
    },
    async land(table, ...days) {
      happens(`${table} lands at ${days.join(", ")}`);
      await landByOthers(lake, table.replace(".", "/"), { days, at: clock.now() });
      for (const day of days) await landed(table, day);
    },
    async manual(table, day) {
      happens(`somebody says that ${table}@${day} is complete`);
      const version = { epoch: 0, n: 1 };
      const landing = { state: "landed", version, at: clock.now(), seenBy: "manual" } as const;
      await bus.publish([
        { kind: "partition-landed", schema: 1, table, partition: day, landing, backlog: false },
      ]);
      await landed(table, day);
    },
    later(to) {
      time = Date.parse(to);
      clock.setTo(time);
    },
    async ask(what, ...commands) {
      happens(what);
      for (const command of commands) {
        const id = `command-${(asked += 1)}`;
        await bus.publish([
          LandfallEvent.parse({ schema: 1, id, by: "ana", at: clock.now(), ...command }),
        ]);
        const { outcome } = await document(`commands/${id}`, () => true);
        if (outcome.kind === "refused") lines.push(`  refused: ${outcome.reason}`);
      }
    },
    async until(...facts) {
      await vi.waitFor(async () => {
        const tasks = await tasksOf(world);
        const states = tasks.map((task) => `${task.id} ${task.state.kind}`);
        expect(states).toEqual(expect.arrayContaining([...facts]));
        expect(tasks.filter(isBusy).map((task) => `${task.id}: ${task.why}`)).toEqual([]);
      }, soon);
      const jobs = submitted.splice(0).toSorted(byName).map(jobLine);
      const now = await explained(world, stage.settings);
      const changed = [...now].filter(([id, { text }]) => known.get(id)?.text !== text);
      lines.push(...toldAlike(jobs));
      lines.push(...toldAlike(changed.map(([, { config, text }]) => [config, text])));
      known = now;
    },
    async served(config) {
      const at = await world.keyValueStore.read(BATCH_TABLE, [servingInfoKey(config)]);
      const [cell] = at;
      const info =
        cell === undefined
          ? null
          : (JSON.parse(Buffer.from(cell.value).toString("utf8")) as { batchEndDate: string });
      lines.push(`  served: ${config} as of ${info === null ? "nothing" : info.batchEndDate}`);
    },
    async notices(count) {
      await vi.waitFor(
        () => {
          // The next look is due. One that is under way, and may have seen less, swallows it.
          if (notices().length < count) clock.setTo(clock.now() + cast.alerts.lookMs);
          expect(notices().length).toBeGreaterThanOrEqual(count);
        },
        { ...soon, interval: 500 },
      );
      const fresh = notices().slice(noticed, count);
      noticed = count;
      const told = fresh.map(({ change, kind, team, priority, summary }) => {
        // The words of an end are of whichever was over last.
        const said = change === "closed" ? "" : `: ${summary}`;
        return `  ${change} for ${team}, ${priority} ${kind}${said}`;
      });
      lines.push(...told.toSorted());
    },
    async stream(config, is) {
      const { state, why, attempts, troubles } = await document(
        `streams/${config}`,
        (stream) => `${stream.state.kind} ${stream.attempts.at(-1)?.attempt ?? 0}` === is,
      );
      lines.push(`  ${config} ${state.kind}: ${why}`);
      for (const { attempt, because, from, outcome } of attempts) {
        const since = from === null ? "without state" : `from ${from.path}`;
        lines.push(`    attempt ${attempt}, ${because}: ${since}; ${outcome ?? "it runs"}`);
      }
      for (const { kind, sentence } of troubles) lines.push(`    ${kind}: ${sentence}`);
    },
    async metadata(is) {
      const head = await document("metadata/current", is);
      const rows = await Promise.all(head.pages.map((page) => read(`metadata-rows/${page}`)));
      const all = Object.assign({}, ...rows.map((page) => page?.rows)) as object;
      const text = metadataText({ head, rows: all as never });
      for (const line of text.split("\n")) lines.push(`  ${line}`);
    },
    async attempts(count) {
      const rows = await vi.waitFor(async () => {
        const found = await readJobMetrics(lake, "landfall/job_metrics", "1970-01-01");
        expect(found.length).toBeGreaterThanOrEqual(count);
        return found;
      }, soon);
      for (const row of rows.toSorted(byAttempt)) {
        const { step, start, end, run, attempt, state, outcome, blame, errorClass, error } = row;
        const days = start === end ? start : `${start}..${end}`;
        const why = error === null ? "" : `, ${errorClass} (${blame}): ${error}`;
        lines.push(
          `  ${step}@${days} run ${run} attempt ${attempt}: ${state}, its job ${outcome}${why}`,
        );
      }
    },
  };
}

function jobLine({ mode, config, range: { start, end } }: JobSpec): readonly [string, string] {
  const days = start === end ? start : `${start} to ${end}`;
  return [config, `  job: ${mode} of ${config}, ${days}`];
}

function byName(a: JobSpec, b: JobSpec): number {
  return inOrder(a.task, b.task);
}

function byAttempt(a: JobMetric, b: JobMetric): number {
  return a.step.localeCompare(b.step) || a.run - b.run || a.attempt - b.attempt;
}
