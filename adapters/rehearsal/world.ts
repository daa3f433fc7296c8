import { unitInterval } from "../../core/hash.ts";
import type { Clock } from "../../ports/clock.ts";
import type { JobSpec } from "../../ports/job-runner.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { PartitionRange } from "../../schemas/ids.ts";
import type { RehearsalBehaviour, RehearsalFault } from "../../schemas/rehearsal.ts";
import type { RehearsalLake } from "./lake.ts";

/** What a rehearsed job reads and writes. */
export interface RehearsalWorld {
  readonly lake: RehearsalLake;
  readonly keyValueStore: KeyValueStore;
  /** Where the compiled confs lie; without it, serving info names its GroupBy only. */
  readonly configs: ObjectStore | null;
  /** Where streams leave their state; without it they fail. */
  readonly flinkState?: ObjectStore;
  readonly clock: Clock;
  readonly behaviour: RehearsalBehaviour;
  /** Names what it writes; random when left out. */
  readonly newId?: () => string;
}

/** Null: it exits 0, whatever it wrote. */
export type JobError = string | null;

/** `commitInfo.engineInfo` of every commit a rehearsal makes. */
export const engineInfo = "landfall rehearsal";

/** The fault of a step of a job's range: the first that fits. */
export function faultOf(
  { faults }: RehearsalBehaviour,
  spec: JobSpec,
  step: PartitionRange,
): RehearsalFault | null {
  const id = `${spec.config}/${spec.mode}`;
  const fits = (fault: RehearsalFault) =>
    fault.step === id &&
    (fault.partition === undefined ||
      (step.start <= fault.partition && fault.partition <= step.end)) &&
    (fault.run ?? spec.run) === spec.run &&
    (fault.attempt ?? spec.attempt) === spec.attempt;
  return faults.find(fits) ?? null;
}

/** The words of a fault, always as a rehearsal's. */
export function faultText(fault: RehearsalFault, what: string): string {
  return `rehearsal: ${fault.message ?? what}`;
}

/** How long a job takes, always the same for the same job; null: it hangs. */
export function durationMsOf(behaviour: RehearsalBehaviour, spec: JobSpec): number | null {
  if (faultOf(behaviour, spec, spec.range)?.does === "hang") return null;
  const { durationMs } = behaviour;
  if (typeof durationMs === "number") return durationMs;
  const [least, most] = durationMs;
  return least + Math.floor((most - least + 1) * unitInterval(`duration of ${spec.jobId}`));
}
