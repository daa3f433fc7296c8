import type { Work } from "../test/support/dataproc/place.ts";

/** Jobs of `submission.ts`: they run until they are cancelled. */
export const work: Work = (_job, signal) =>
  new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve({ ok: false, details: "it was cancelled" }));
  });
