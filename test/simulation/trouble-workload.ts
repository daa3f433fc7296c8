import type { Random } from "../../adapters/simulated/random.ts";
import type { Command } from "../../schemas/commands.ts";
import type { RehearsalFault } from "../../schemas/rehearsal.ts";
import { dayAt, dayMs, hourMs, start } from "./times.ts";
import type { Wanted } from "./trace.ts";

/** What operators ask for, about the days around then; some cancel a backfill that they asked for. */
export function commandsOf(
  random: Random,
  { wanted, days }: { wanted: Wanted; days: number },
): Command[] {
  const commands: Command[] = [];
  const day = (nth: number) => dayAt(start + nth * dayMs);
  for (let nth = random.pick([0, 1, 3, 6, 10]); nth > 0; nth--) {
    const step = random.pick(wanted.steps);
    const at = start + random.between(4, days * 24 + 2) * hourMs + random.between(0, hourMs);
    const first = Math.floor((at - start) / dayMs) - random.between(0, 3);
    const shared = { schema: 1 as const, id: `command-${nth}`, by: "operator", at };
    const task = `${step.id}@${day(first)}`;
    const span = random.between(0, 4);
    const command = random.pick<Command>([
      {
        kind: "backfill-requested",
        ...shared,
        target: step.id,
        start: day(first),
        end: day(first + span),
      },
      { kind: "task-retry", ...shared, task },
      { kind: "task-cancel", ...shared, task },
    ]);
    commands.push(command);
    const ranged = Math.min(span + 1, step.stepDays);
    if (command.kind !== "backfill-requested" || ranged === 1 || random.chance(0.5)) continue;
    const later = { id: `command-${nth}-after`, at: at + random.between(60_000, 2 * hourMs) };
    const range = `${step.id}@${day(first)}..${day(first + ranged - 1)}`;
    commands.push({ kind: "task-cancel", ...shared, ...later, task: range });
  }
  return commands;
}

export function jobFaultsOf(
  random: Random,
  { wanted, days }: { wanted: Wanted; days: number },
): RehearsalFault[] {
  return Array.from({ length: random.pick([0, 2, 6, 12]) }, () =>
    thatEnds({
      step: random.pick(wanted.steps).id,
      ...(random.chance(0.4) ? { partition: dayAt(start + random.between(-1, days) * dayMs) } : {}),
      ...(random.chance(0.3) ? { run: random.between(1, 2) } : {}),
      ...(random.chance(0.8) ? { attempt: random.between(1, 2) } : {}),
      does: random.pick(["fail", "write-nothing", "hang", "vanish", "write-half"] as const),
    }),
  );
}

/** A job that is lost is tried twenty times, for a day and more: the auditor does not wait for all days of a step. */
function thatEnds(fault: RehearsalFault): RehearsalFault {
  const isForEver =
    fault.does === "vanish" && fault.attempt === undefined && fault.partition === undefined;
  return isForEver ? { ...fault, attempt: 1 } : fault;
}
