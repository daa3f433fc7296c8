import { z } from "zod";
import { EpochMs, Partition, TaskId } from "./ids.ts";

const Commanded = {
  schema: z.literal(1),
  /** Chosen by whoever publishes it; the same id twice is one command. */
  id: z.string().min(1).max(200),
  /** Who asked. */
  by: z.string().min(1).max(200),
  at: EpochMs,
};

/** Fill a range of a step, or of a config's backfill step. */
export const BackfillRequested = z.object({
  kind: z.literal("backfill-requested"),
  ...Commanded,
  /** `metaData.name` of a config, or a step's id. */
  target: z.string().min(1),
  start: Partition,
  end: Partition,
});
export type BackfillRequested = Readonly<z.infer<typeof BackfillRequested>>;

/** Run a task that has ended once more. */
export const TaskRetry = z.object({
  kind: z.literal("task-retry"),
  ...Commanded,
  task: TaskId,
});
export type TaskRetry = Readonly<z.infer<typeof TaskRetry>>;

/** End a task: what waits never runs, what runs is cancelled. */
export const TaskCancel = z.object({
  kind: z.literal("task-cancel"),
  ...Commanded,
  task: TaskId,
});
export type TaskCancel = Readonly<z.infer<typeof TaskCancel>>;

/** End whatever keeps a GroupBy's stream running, and begin it again. */
export const StreamDeploy = z.object({
  kind: z.literal("stream-deploy"),
  ...Commanded,
  /** `metaData.name` of the GroupBy. */
  config: z.string().min(1),
  /** `latest`: from the newest complete checkpoint; `none`: anew, and what it had counted is lost. */
  state: z.enum(["latest", "none"]),
});
export type StreamDeploy = Readonly<z.infer<typeof StreamDeploy>>;

/** End a GroupBy's stream, and begin none before it is deployed by command. */
export const StreamStop = z.object({
  kind: z.literal("stream-stop"),
  ...Commanded,
  config: z.string().min(1),
});
export type StreamStop = Readonly<z.infer<typeof StreamStop>>;

/** Delete rows of metadata whose configs are gone, however many. */
export const MetadataDelete = z.object({
  kind: z.literal("metadata-delete"),
  ...Commanded,
  /** `joins/N`, `group_bys/N`, `models/N`. */
  keys: z.array(z.string().min(1)).min(1).max(100),
});
export type MetadataDelete = Readonly<z.infer<typeof MetadataDelete>>;

export type StreamCommand = StreamDeploy | StreamStop;

/** What an operator may ask for by message. */
export const Command = z.discriminatedUnion("kind", [
  BackfillRequested,
  TaskRetry,
  TaskCancel,
  StreamDeploy,
  StreamStop,
  MetadataDelete,
]);
export type Command = z.infer<typeof Command>;

/** Collection `commands`, id `{id}`: who asked for what, and what came of it. */
export const CommandDocument = z.object({
  schema: z.literal(1),
  command: Command,
  outcome: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("accepted"), tasks: z.array(TaskId) }),
    z.object({ kind: z.literal("refused"), reason: z.string() }),
  ]),
});
export type CommandDocument = Readonly<z.infer<typeof CommandDocument>>;
