import { defineConfig } from "vitest/config";

/** Contract suites on Google's emulators; `vitest.config.ts` leaves them out. */
export default defineConfig({
  test: {
    setupFiles: ["test/support/no-colors.ts"],
    include: ["test/gcp/**/*.gcp.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    globalSetup: ["test/support/build.ts", "test/support/emulators/global-setup.ts"],
    // Suites wait for the emulators most of their time.
    maxWorkers: 3,
  },
});
