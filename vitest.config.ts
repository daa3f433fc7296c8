import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    setupFiles: ["test/support/no-colors.ts"],
    include: ["test/**/*.test.ts"],
    exclude: ["test/**/*.gcp.test.ts"],
    // Ten times what the longest takes here: a machine may have other work.
    testTimeout: 90_000,
    // One worker fewer than cores is the default, which is half of a machine with two.
    maxWorkers: "100%",
  },
});
