import { EMPTY, from, merge, mergeMap, type Observable, takeUntil } from "rxjs";
import { landingsTold, type Seen } from "../../core/facts.ts";
import type { Nudge } from "../../core/work.ts";
import type { Delivery } from "../../ports/bus.ts";
import { RetryableError } from "../../ports/errors.ts";
import { inTrace } from "../../ports/log.ts";
import type { JobSettled, LandfallEvent, PartitionLanded } from "../../schemas/events.ts";
import { parseTaskId, type TaskId } from "../../schemas/ids.ts";
import { storeOperations } from "../store-operations.ts";
import { type DispatcherPorts, type Dispatching, dispatching } from "./dispatching.ts";
import { execute, type TracedDecision } from "./execute.ts";
import { storeFacts } from "./facts.ts";
import { inBatches } from "./in-batches.ts";
import { look } from "./look.ts";
import { measureLaunches } from "./measurements.ts";
import { dayOfPlan, eventNudges, landedNudges, tablesMadeAnew, timeNudges } from "./nudges.ts";
import { recovered } from "./recovery.ts";
import { release } from "./release.ts";
import { tracesOf } from "./traces.ts";

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
function metadata({ metadataKeeper }: Dispatching, stop: Observable<unknown>): Observable<never> {
  return metadataKeeper === null ? EMPTY : metadataKeeper.keep(stop);
}

/** Beside decisions in the same way; what these hear of streams is passed on. */
function streams({ streamKeeper }: Dispatching, stop: Observable<unknown>): Observable<never> {
  return streamKeeper === null ? EMPTY : streamKeeper.keep(stop);
}

/** Pages that are being carried out; those that wait for their turn are among them. */
const executionsMax = 1_000;

type Fact = PartitionLanded | JobSettled;

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
    return untilReleased(batch);
  }
  const facts = events.filter(
    (event) => event.kind === "partition-landed" || event.kind === "job-settled",
  );
  const told = await landingsOf(state, facts);
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
  if (hasTick) {
    state.dueNudged = day;
    state.givenUp.looked();
  }
  forgetStored(state, nudges);
  for (const event of facts) {
    if (event.kind === "job-settled") forgetSubmitted(state, event.task, event.jobId);
  }
  for (const event of events) nudgeKeepers(state, event);
  for (const delivery of batch) delivery.ack();
}

/**
 * Without a plan there is nothing to do in time: a tick is over. Everything else is delivered again,
 * since what it concerns may be released at any moment.
 */
function untilReleased(batch: readonly Delivery[]): void {
  for (const delivery of batch) {
    if (delivery.event.kind === "tick") delivery.ack();
    else delivery.nack();
  }
}

/**
 * What a stream waits for may have come: its upload, the end of its job, a command; and what is told of
 * metadata: a release, or a command.
 */
function nudgeKeepers({ streamKeeper, metadataKeeper }: Dispatching, event: LandfallEvent): void {
  if (event.kind === "metadata-delete" || event.kind === "configs-released")
    metadataKeeper?.nudge();
  if (event.kind === "stream-deploy" || event.kind === "stream-stop")
    streamKeeper?.nudge(event.config);
  if (event.kind !== "job-settled") return;
  const { step } = parseTaskId(event.task);
  const [, config] = /^(.+)\/(?:streaming|upload-to-kv)$/.exec(step) ?? [];
  if (config !== undefined) streamKeeper?.nudge(config);
}

function forgetSubmitted({ executing }: Dispatching, task: TaskId, jobId: string): void {
  if (executing.submitted.get(task)?.jobId === jobId) executing.submitted.delete(task);
}

/** Whoever was woken with its job is stored as running, or is what somebody else made of it. */
function forgetStored(state: Dispatching, nudges: readonly Nudge[]): void {
  for (const nudge of nudges) {
    if (nudge.kind !== "woken" || nudge.submitted === null) continue;
    forgetSubmitted(state, nudge.task, nudge.submitted);
  }
}

/**
 * What facts tell. A landing counts whatever the plan is: the watcher tells it once, and its table may have
 * left by a release that is taken back a minute later. The plan says which tables a job's step writes.
 */
async function landingsOf({ plans }: Dispatching, facts: readonly Fact[]): Promise<Seen[]> {
  const isUnknown = (fact: Fact) =>
    fact.kind === "job-settled" && plans.current()?.step(parseTaskId(fact.task).step) === undefined;
  if (facts.some(isUnknown)) await plans.refresh();
  return landingsTold(plans.current(), facts);
}
