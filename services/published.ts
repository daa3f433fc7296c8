import type { Bus } from "../ports/bus.ts";
import { inTrace, type Log } from "../ports/log.ts";
import type { LandfallEvent } from "../schemas/events.ts";

/**
 * A bus that tells the log what was published, a line a call, in the trace of its cause: what a
 * service saw can be followed to what others made of it. Ticks are not told.
 */
export function published(bus: Bus, log: Log): Bus {
  return {
    ...bus,
    async publish(events, trace) {
      await bus.publish(events, trace);
      const [first, ...more] = events.filter(({ kind }) => kind !== "tick");
      if (first === undefined) return;
      const others = more.length === 0 ? "" : `, and ${more.length} more`;
      log.info({ kind: first.kind, ...inTrace(trace) }, `published: ${inWords(first)}${others}`);
    },
  };
}

function inWords(event: LandfallEvent): string {
  switch (event.kind) {
    case "partition-landed":
      return `${event.table}@${event.partition} ${event.landing.state}`;
    case "table-recreated":
      return `${event.table} made anew`;
    case "job-settled":
      return `job ${event.jobId} of ${event.task} ${event.outcome}`;
    case "configs-released":
      return `release ${event.release}`;
    case "backfill-requested":
      return `backfill of ${event.target} asked for`;
    case "task-retry":
      return `retry of ${event.task} asked for`;
    case "task-cancel":
      return `cancel of ${event.task} asked for`;
    case "stream-deploy":
      return `deployment of the stream of ${event.config} asked for`;
    case "stream-stop":
      return `stop of the stream of ${event.config} asked for`;
    case "metadata-delete":
      return `deletion of the metadata of ${event.keys.join(", ")} asked for`;
    case "tick":
      return "tick";
  }
}
