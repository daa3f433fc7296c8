import { setTimeout as sleep } from "node:timers/promises";

/**
 * Time for the Firestore store that passes a thousand times as fast: tests write the same few
 * documents again and again, and a real second of rest for each write would be hours.
 */
export const hurried = {
  now: () => performance.now() * 1_000,
  sleep: async (delayMs: number) => {
    await sleep(delayMs / 1_000);
  },
};
