import type { StreamAttempt, StreamDocument } from "../../schemas/streams.ts";

/** What is to be done once a stream's document is committed. */
export type StreamAction =
  | { readonly kind: "none" }
  | { readonly kind: "submit"; readonly attempt: StreamAttempt }
  | { readonly kind: "cancel"; readonly jobIds: readonly string[] };

/** What a rule makes of a stream. */
export type Move = Pick<StreamDocument, "state" | "why"> &
  Partial<Pick<StreamDocument, "attempts" | "asked">> & { readonly action?: StreamAction };

/** How an attempt ended, for people. */
export function endOf({ jobId, outcome, error }: StreamAttempt): string {
  return `${jobId} ${outcome}${error === null ? "" : `: ${error}`}`;
}
