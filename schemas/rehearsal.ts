import { z } from "zod";
import { Partition, StepId } from "./ids.ts";

/**
 * Something that goes wrong with the jobs of one step, at one partition, run or attempt where
 * given. `fail`: the step of the range fails, having written nothing; `write-nothing`: the job
 * exits 0 having skipped it; `write-half`: half of it is written, then it fails; `hang`: the job
 * never ends by itself; `vanish`: the job is lost before it writes anything.
 *
 * Of a stream: `fail` and `vanish` are at its second checkpoint; `write-nothing`: it never writes its
 * manifest; `write-half`: half of its manifest, and checkpoints that are not complete; `hang`: it
 * runs and makes no checkpoint.
 */
export const RehearsalFault = z.object({
  step: StepId,
  partition: Partition.exactOptional(),
  run: z.number().int().min(1).exactOptional(),
  attempt: z.number().int().min(1).exactOptional(),
  does: z.enum(["fail", "write-nothing", "hang", "vanish", "write-half"]),
  /** What the job says when it fails. */
  message: z.string().exactOptional(),
});
export type RehearsalFault = Readonly<z.infer<typeof RehearsalFault>>;

const DurationMs = z.number().int().min(0);

/** How rehearsed jobs behave. Of several faults that fit, the first counts. */
export const RehearsalBehaviour = z.object({
  /** How long a job takes: always this, or the same for the same job, between these two. */
  durationMs: z.union([DurationMs, z.tuple([DurationMs, DurationMs])]).default(200),
  /** Time between two checkpoints of a stream, which begin once `durationMs` has passed; a minute when left out. */
  checkpointMs: z.number().int().min(1).exactOptional(),
  faults: z.array(RehearsalFault).default([]),
});
export type RehearsalBehaviour = Readonly<z.infer<typeof RehearsalBehaviour>>;
