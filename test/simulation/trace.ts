import type { AlertSettings } from "../../schemas/alert-settings.ts";
import type { CommandDocument } from "../../schemas/commands.ts";
import type { DocumentId, DocumentOf } from "../../schemas/documents.ts";
import type { EpochMs, Partition, StepId, TableName, TaskId } from "../../schemas/ids.ts";
import type { OutputEffect } from "../../schemas/plan.ts";
import type { Closing, Settings } from "../../schemas/settings.ts";

/**
 * What a step needs and does, as whoever made the workload means it: not what Landfall compiled.
 * For output days [s, e] it reads [s - startDays, e - endDays] of each input.
 */
export interface WantedStep {
  readonly id: StepId;
  readonly config: string;
  readonly mode: string;
  /** False: only a command runs it. */
  readonly scheduled: boolean;
  /** Hours after its day before which it starts only if an operator asks for it; left out: none. */
  readonly startsAtHour?: number;
  readonly inputs: readonly WantedInput[];
  /** Steps of the same day that must have succeeded first. */
  readonly after: readonly StepId[];
  /** Null: it writes rows of the online store, unless it publishes. */
  readonly output: TableName | null;
  /** What its job writes into the table of metadata. */
  readonly uploads?: WantedUpload;
  /** It has no job: what its input holds is to be published as a document. */
  readonly publishes?: true;
  readonly effect: OutputEffect;
  /** Of several complete days only the newest need run, unless `readByOthers`. */
  readonly latestOnly: boolean;
  /** Another config reads its output. */
  readonly readByOthers: boolean;
  /** Days one job of a backfill does. */
  readonly stepDays: number;
}

/** The row of a conf as Chronon's job writes it; contents in a few characters. */
export interface WantedUpload {
  readonly key: string;
  /** Of the compiled file. */
  readonly conf: string;
  /** Of the row, which spells the same conf otherwise. */
  readonly content: string;
}

export interface WantedInput {
  readonly table: TableName;
  /** Null: from the table's first day on. */
  readonly startDays: number | null;
  readonly endDays: number;
}

export interface WantedTable {
  readonly name: TableName;
  /** Null: nobody in the plan writes it. */
  readonly writer: StepId | null;
  readonly closing: Closing;
  /** `fine`: a missing day inside a window holds nobody up. */
  readonly holes: "fine" | "wait";
}

/** Everything the configs of one release ask for. */
export interface Wanted {
  readonly steps: readonly WantedStep[];
  readonly tables: readonly WantedTable[];
  /** GroupBys whose streams are to be kept running; of another content it is another job. */
  readonly streams: readonly WantedStream[];
  /** Rows of metadata; null: nobody uploads any. */
  readonly metadata: readonly WantedRow[] | null;
}

/** What is to lie under a key of the online store's metadata, in a few characters. */
export interface WantedRow {
  readonly key: string;
  readonly content: string;
  /** False: somebody else is to write it. */
  readonly isOurs: boolean;
}

export interface WantedStream {
  readonly config: string;
  readonly content: number;
}

/** Who is told of what is wrong, and when something is. */
export interface Watching {
  readonly alerts: AlertSettings;
  /** Routes of each team. */
  readonly routes: Readonly<Record<string, readonly string[]>>;
}

/** How the world saw a job end. `lost`: it will never be heard of again, whatever it wrote. */
export type SeenEnd = "succeeded" | "failed" | "cancelled" | "vanished" | "timed-out";

/**
 * Something that happened in the simulated world, at the world's own time. What processes believed
 * is in the documents they stored; everything else here is what truly happened.
 */
export type Happening =
  /** First of every trace. */
  | {
      readonly kind: "begun";
      readonly settings: Settings;
      readonly wanted: Wanted;
      /** Submissions a minute that the runner takes; null: any number. */
      readonly perMinute: number | null;
      /** Left out: nobody is told of what is wrong, and no attempt is counted. */
      readonly watching?: Watching;
    }
  /** Another release was written; it decides from when `plans/current` is stored next. */
  | { readonly kind: "released"; readonly release: string; readonly wanted: Wanted }
  /** A commit of a table's Delta log is there. A recreated table has another `tableId`. */
  | {
      readonly kind: "table-commit";
      readonly table: TableName;
      readonly tableId: string;
      readonly n: number;
      /** `commitInfo.timestamp`. */
      readonly writtenAt: EpochMs;
      /** Days that got rows. For an unpartitioned table: the days its file names, one. */
      readonly added: readonly Partition[];
      /** Days that have no rows after it and had some before. */
      readonly emptied: readonly Partition[];
      /** The job that wrote it; null: a foreign writer. */
      readonly jobId: string | null;
    }
  /** A foreign hand removed the table with its log. Its next commit is number 0 again. */
  | { readonly kind: "table-dropped"; readonly table: TableName }
  /** A job left a config's serving info row in the online store. */
  | {
      readonly kind: "online-rows";
      readonly config: string;
      /** The day that it names. */
      readonly day: Partition;
      /** The day that its cell is of: the newest cell is the one that is read. */
      readonly cellDay: Partition;
      readonly jobId: string;
    }
  /** Cells of rows of metadata were written, or rows deleted; `by` null: by somebody else. */
  | {
      readonly kind: "metadata-rows";
      readonly rows: readonly {
        readonly key: string;
        /** Null: deleted, whatever its cells. */
        readonly content: string | null;
        /** Of the cell: the newest is the one that is read. */
        readonly timestamp: EpochMs;
      }[];
      readonly by: string | null;
    }
  /** A job wrote a row of metadata. */
  | {
      readonly kind: "metadata-uploaded";
      readonly key: string;
      readonly content: string;
      /** Of the cell. */
      readonly timestamp: EpochMs;
      readonly jobId: string;
    }
  /** A route to people took a notice of an alert, which it knows by its key. */
  | {
      readonly kind: "told";
      readonly route: string;
      readonly alert: string;
      readonly change: "opened" | "updated" | "closed";
      readonly count: number;
    }
  /** What the table of finished attempts holds at last. */
  | {
      readonly kind: "attempts-counted";
      readonly rows: readonly {
        readonly jobId: string;
        readonly day: Partition;
        readonly state: string;
      }[];
    }
  /** A document was committed by whichever process. All documents of a commit share `commit`. */
  | {
      readonly kind: "stored";
      readonly commit: number;
      readonly by: string;
      readonly id: DocumentId;
      readonly body: DocumentOf<DocumentId> | null;
    }
  /** The runner took a job for the first time; from here on it runs. */
  | {
      readonly kind: "job-begun";
      readonly jobId: string;
      readonly task: TaskId;
      readonly run: number;
      readonly attempt: number;
      /** Of a stream: the checkpoint that it goes on from; null: it begins anew. */
      readonly from?: string | null;
    }
  /** A stream's job completed a checkpoint, or left a note of itself that is whole or is not. */
  | { readonly kind: "checkpoint"; readonly jobId: string; readonly path: string }
  | { readonly kind: "manifest"; readonly config: string; readonly whole: boolean }
  /** It does not run any more, and wrote its last before. */
  | { readonly kind: "job-ended"; readonly jobId: string; readonly state: SeenEnd }
  /** An operator's message was published. */
  | { readonly kind: "commanded"; readonly command: CommandDocument["command"] }
  /** Something went wrong on purpose; for people. */
  | {
      readonly kind: "fault";
      readonly fault: string;
      readonly words: string;
    }
  | { readonly kind: "process"; readonly name: string; readonly does: "starts" | "dies" }
  /** No fault happens after this, and no data lands that is not in the workload. */
  | { readonly kind: "faults-over" }
  /** Last of every trace: 48 hours after the last fault and the last landing. */
  | {
      readonly kind: "ended";
      /** Events that were published and never acked. */
      readonly unacked: number;
      readonly deadLetters: readonly string[];
    };

export type TraceEntry = { readonly at: EpochMs } & Happening;

/** A broken promise, in one line, with where in the trace it shows. */
export interface Broken {
  readonly promise:
    | "I1"
    | "I2"
    | "I3"
    | "I4"
    | "I5"
    | "I6"
    | "I7"
    | "I8"
    | "S1"
    | "S2"
    | "S3"
    | "S4"
    | "M1"
    | "M4"
    | "alerts"
    | "metrics"
    | "liveness";
  readonly at: EpochMs;
  readonly what: string;
}
