import { defineConfig } from "vitest/config";

const shared = {
  setupFiles: ["test/support/no-colors.ts"],
  // Ten times what the longest takes here: a machine may have other work.
  testTimeout: 90_000,
};

export default defineConfig({
  test: {
    // One worker fewer than cores is the default, which is half of a machine with two.
    maxWorkers: "100%",
    projects: [
      {
        // Pure functions: the files share what they import, and load it once.
        test: { ...shared, name: "core", include: ["test/core/**/*.test.ts"], isolate: false },
      },
      { test: { ...shared, name: "simulation", include: ["test/simulation/**/*.test.ts"] } },
      {
        test: {
          ...shared,
          name: "commands",
          include: ["test/{cli,scenarios}/**/*.test.ts"],
          globalSetup: ["test/support/build.ts"],
        },
      },
      {
        test: {
          ...shared,
          name: "all else",
          include: ["test/**/*.test.ts"],
          exclude: ["test/{core,simulation,cli,scenarios}/**", "test/**/*.gcp.test.ts"],
        },
      },
    ],
  },
});
