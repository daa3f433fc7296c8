import { EMPTY, from, merge, mergeMap, type Observable, takeUntil } from "rxjs";
import { partitionAt } from "../../core/dates.ts";
import { landingsTold, type Seen } from "../../core/facts.ts";
import type { Nudge } from "../../core/work.ts";
import type { Bus, Delivery } from "../../ports/bus.ts";
import type { Clock } from "../../ports/clock.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { JobRunner } from "../../ports/job-runner.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import { inTrace, type Log } from "../../ports/log.ts";
import { type Metrics, noMetrics } from "../../ports/metrics.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { OpenFlinkState } from "../../ports/world.ts";
import type { JobSettled, LandfallEvent, PartitionLanded } from "../../schemas/events.ts";
import { type Partition, parseTaskId, type TableName } from "../../schemas/ids.ts";
import type { Settings } from "../../schemas/settings.ts";
import { storeOperations } from "../store-operations.ts";
import { documentsOf } from "./documents.ts";
import { type Executing, execute, type TracedDecision } from "./execute.ts";
import { storeFacts, storeRecreated } from "./facts.ts";
import { givenUpNudges } from "./given-up.ts";
import { inBatches } from "./in-batches.ts";
import { type LaneQueues, laneQueues } from "./lane-queues.ts";
import { type Looking, look } from "./look.ts";
import { type Measuring, measureLaunches } from "./measurements.ts";
import { metadataUploads } from "./metadata/uploads.ts";
import { type Plans, plansOf } from "./plans.ts";
import { recovered } from "./recovery.ts";
import { type StreamKeeper, streamKeeper } from "./streams/keeper.ts";
import { tracesOf } from "./traces.ts";

export interface DispatcherPorts {
  readonly bus: Bus;
  readonly store: TaskStore;
  /** Holds releases, confs and plans. */
  readonly configs: ObjectStore;
  readonly runner: JobRunner;
  /** What consistency checks found is read here. */
  readonly lake: ObjectStore;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly log: Log;
  /** The name this dispatcher claims under; no other live one may have it. */
  readonly by: string;
  /** How long it may keep events that it cannot handle yet; a minute when left out. */
  readonly leaseMs?: number;
  /** Where it measures itself; left out: nowhere. */
  readonly metrics?: Metrics;
  /** Where streams leave their state; left out: none is kept running. */
  readonly streamsAt?: OpenFlinkState;
  /** The online store that the configs' metadata is uploaded to; left out: to none. */
  readonly metadataInto?: KeyValueStore;
}

/**
 * The only writer of task state. Deliveries are handled in batches: facts are merged and committed,
 * then everything they concern is looked at and committed, then acked, then carried out.
 *
 * Runs until `stop` emits; then what was taken is finished, and the stream completes.
 */
export function dispatcher(ports: DispatcherPorts, stop: Observable<unknown>): Observable<void> {
  const state = dispatching(ports);
  return merge(
    decisions(state, stop),
    metadata(state, stop),
    streams(state, stop),
    ownStore(state, stop),
  );
}

function ownStore({ ports }: Dispatching, stop: Observable<unknown>): Observable<never> {
  const { metrics } = ports;
  if (metrics === undefined) return EMPTY;
  return storeOperations({ ...ports, metrics, service: "dispatcher" }, stop);
}

function decisions(state: Dispatching, stop: Observable<unknown>): Observable<void> {
  const { bus, settings, leaseMs = 60_000 } = state.ports;
  return from(recovered(state.ports, state)).pipe(
    mergeMap(() => bus.deliveries({ unackedMax: settings.deliveriesMax, leaseMs })),
    takeUntil(stop),
    inBatches({ max: settings.deliveriesMax, keyOf: ({ id }) => id }, (batch) =>
      handleBatch(state, batch),
    ),
    mergeMap((decided) => execute(state.executing, decided), executionsMax),
  );
}

/** Beside decisions, which neither wait for it nor hear of its failures. */
function metadata({ ports, plans }: Dispatching, stop: Observable<unknown>): Observable<never> {
  const { metadataInto: keyValueStore } = ports;
  if (keyValueStore === undefined) return EMPTY;
  return metadataUploads({ ...ports, plans, keyValueStore }, stop);
}

/** Beside decisions in the same way; what these hear of streams is passed on. */
function streams({ keeper }: Dispatching, stop: Observable<unknown>): Observable<never> {
  return keeper === null ? EMPTY : keeper.keep(stop);
}

/** Pages that are being carried out; those that wait for their turn are among them. */
const executionsMax = 1_000;
const problemsTold = 20;

type Fact = PartitionLanded | JobSettled;

interface Dispatching {
  readonly ports: DispatcherPorts;
  readonly plans: Plans;
  readonly looking: Looking;
  readonly executing: Executing;
  /** The plan and day for which steps without inputs were last nudged. */
  dueNudged: string;
  readonly givenUp: () => Nudge[];
  readonly queues: LaneQueues;
  readonly measuring: Measuring;
  /** Null where no streams are kept running. */
  readonly keeper: StreamKeeper | null;
}

function dispatching(ports: DispatcherPorts): Dispatching {
  const plans = plansOf(ports);
  const shared = { ...ports, plans };
  const documents = documentsOf(ports.store);
  return {
    ports,
    plans,
    looking: { ...shared, documents, turns: new Map() },
    executing: { ...shared, submitted: new Map() },
    dueNudged: "",
    givenUp: givenUpNudges(shared),
    queues: laneQueues({ ...shared, documents }),
    measuring: { metrics: ports.metrics ?? noMetrics, clock: ports.clock, documents },
    keeper: keeperOf(shared),
  };
}

function keeperOf(ports: DispatcherPorts & { readonly plans: Plans }): StreamKeeper | null {
  const { streamsAt: flinkState, runner, settings, log } = ports;
  const { streams } = runner;
  if (flinkState === undefined || settings.streams.by === "others") return null;
  if (streams === null) {
    log.info({}, "this runner runs no streams: those of the configs are left to others");
    return null;
  }
  return streamKeeper({ ...ports, streams, flinkState });
}

/** Handles a batch until the world lets it; what cannot be handled alone is put aside. */
async function* handleBatch(
  state: Dispatching,
  batch: readonly Delivery[],
): AsyncGenerator<TracedDecision> {
  const { bus, clock, log } = state.ports;
  for (let pauseMs = 100; ; pauseMs = Math.min(10_000, pauseMs * 2)) {
    try {
      yield* handled(state, batch);
      return;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      if (cause instanceof RetryableError) {
        log.warn({ reason }, "the world does not answer; trying again");
        await clock.pause(pauseMs);
        continue;
      }
      const [only] = batch;
      if (batch.length > 1 || only === undefined) {
        for (const delivery of batch) yield* handleBatch(state, [delivery]);
        return;
      }
      const fields = { event: only.event, reason, ...inTrace(only.trace) };
      log.error(fields, "an event could not be handled and was put aside");
      await bus.deadLetter(only, reason);
      return;
    }
  }
}

async function* handled(
  state: Dispatching,
  batch: readonly Delivery[],
): AsyncGenerator<TracedDecision> {
  const { metrics, clock } = state.measuring;
  const takenAt = clock.now();
  const events = batch.map(({ event }) => event);
  const added: Nudge[] = [];
  for (const event of events) {
    if (event.kind === "configs-released") added.push(...(await release(state, event.release)));
  }
  if ((state.plans.current() ?? (await state.plans.refresh())) === null) {
    for (const delivery of batch) delivery.nack();
    return;
  }
  const facts = events.filter(
    (event) => event.kind === "partition-landed" || event.kind === "job-settled",
  );
  const told = await landingsOfPlan(state, facts);
  await storeFacts(state.looking, told);
  const gone = await tablesMadeAnew(state, events);
  const hasTick = events.some(({ kind }) => kind === "tick");
  const day = dayOfPlan(state);
  const nudges = [
    ...events.flatMap(eventNudges),
    ...landedNudges(told),
    ...gone,
    ...added,
    ...(hasTick ? await timeNudges(state) : []),
  ];
  const traceOf = tracesOf(batch, state.plans.current());
  for await (const page of look(state.looking, nudges)) {
    state.queues.remember(page.queuedFor);
    for (const moved of page.moves) {
      const fields = { ...moved, ...inTrace(traceOf(moved.task)) };
      state.ports.log.info(fields, `${moved.task} ${moved.to}`);
    }
    measureLaunches(state.measuring, page.launches);
    yield { ...page, traceOf };
  }
  metrics.measure("landfall.decision.duration", (clock.now() - takenAt) / 1_000, {});
  if (hasTick) state.dueNudged = day;
  for (const event of facts) if (event.kind === "job-settled") forgetSubmitted(state, event);
  for (const event of events) nudgeStream(state, event);
  for (const delivery of batch) delivery.ack();
}

function dayOfPlan({ plans, ports }: Dispatching): string {
  return `${plans.current()?.plan.hash}@${partitionAt(ports.clock.now())}`;
}

/** What a stream waits for may have come: its upload, the end of its job, a command. */
function nudgeStream({ keeper }: Dispatching, event: LandfallEvent): void {
  if (event.kind === "stream-deploy" || event.kind === "stream-stop") keeper?.nudge(event.config);
  if (event.kind !== "job-settled") return;
  const { step } = parseTaskId(event.task);
  const [, config] = /^(.+)\/(?:streaming|upload-to-kv)$/.exec(step) ?? [];
  if (config !== undefined) keeper?.nudge(config);
}

function forgetSubmitted({ executing }: Dispatching, { task, jobId }: JobSettled): void {
  if (executing.submitted.get(task) === jobId) executing.submitted.delete(task);
}

function eventNudges(event: LandfallEvent): Nudge[] {
  if (event.kind === "job-settled") return [{ kind: "settled", event }];
  return "by" in event ? [{ kind: "command", command: event }] : [];
}

/** What facts tell of the plan's tables. The plan is read again before anything is dropped. */
async function landingsOfPlan(state: Dispatching, facts: readonly Fact[]): Promise<Seen[]> {
  const { plans } = state;
  const inPlan = (fact: Fact) =>
    fact.kind === "partition-landed"
      ? plans.current()?.tables.has(fact.table) === true
      : plans.current()?.step(parseTaskId(fact.task).step) !== undefined;
  if (!facts.every(inPlan)) await plans.refresh();
  return landingsTold(plans.current(), facts.filter(inPlan));
}

/** Stores that tables were made anew; answers what is to be looked at because it is gone. */
async function tablesMadeAnew(
  { looking }: Dispatching,
  events: readonly LandfallEvent[],
): Promise<Nudge[]> {
  const nudges: Nudge[] = [];
  for (const event of events) {
    if (event.kind !== "table-recreated") continue;
    const { table } = event;
    for (const partition of await storeRecreated(looking, event)) {
      nudges.push({ kind: "landed", table, partition });
    }
  }
  return nudges;
}

function landedNudges(told: readonly Seen[]): Nudge[] {
  const backlog = new Map<TableName, Partition[]>();
  const nudges: Nudge[] = [];
  for (const { table, partition, backlog: wasThere } of told) {
    if (!wasThere) nudges.push({ kind: "landed", table, partition });
    else backlog.set(table, [...(backlog.get(table) ?? []), partition]);
  }
  for (const [table, partitions] of backlog) nudges.push({ kind: "backlog", table, partitions });
  return nudges;
}

/** Makes a release current; answers what its new steps, and tasks that wait, should look at. */
async function release(state: Dispatching, id: string): Promise<Nudge[]> {
  const { problems, before } = await state.plans.release(id);
  for (const { file, severity, message } of problems.slice(0, problemsTold)) {
    state.ports.log.warn({ file, reason: message }, `${severity} in ${file}`);
  }
  if (problems.length > problemsTold) {
    state.ports.log.warn({}, `${problems.length} problems in all; landfall plan lists them`);
  }
  const after = await state.plans.refresh();
  state.looking.documents.clear();
  if (before === null || after === null || before.plan.hash === after.plan.hash) return [];
  const added = after.plan.steps.filter((step) => before.step(step.id) === undefined);
  const { store } = state.ports;
  const tasks = [...(await store.listTasks({ state: "waiting", limit: 10_000 }))];
  for (const { id: step } of added) {
    // Of a step that comes back: skipped when it left, or done before their inputs landed again.
    tasks.push(...(await store.listTasks({ step, limit: 10_000 })));
  }
  return [
    ...added
      .filter(({ schedule }) => schedule !== null)
      .map((step): Nudge => ({ kind: "step-added", step: step.id })),
    ...tasks.map((task): Nudge => ({ kind: "concern", task: task.id })),
  ];
}

/** What the passing of time may have moved: tasks whose `wakeAt` has come, and new days. */
async function timeNudges(state: Dispatching): Promise<Nudge[]> {
  const { clock, store } = state.ports;
  const plan = state.plans.current()?.plan;
  const due = await store.dueTasks(clock.now(), dueMax);
  const nudges: Nudge[] = due.map((task) => ({
    kind: "woken",
    task,
    submitted: state.executing.submitted.get(task) ?? null,
  }));
  nudges.push(...(await state.queues.turns()), ...state.givenUp());
  if (plan === undefined || dayOfPlan(state) === state.dueNudged) return nudges;
  const alone = plan.steps.filter((step) => step.schedule !== null && step.inputs.length === 0);
  return [...nudges, ...alone.map((step): Nudge => ({ kind: "due", step: step.id }))];
}

const dueMax = 1_000;
