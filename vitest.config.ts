import { fileURLToPath } from "node:url"
import { defineConfig, type UserWorkspaceConfig as ProjectConfig } from "vitest/config"

/** Suites that start the built gateway: one file at a time, because they measure time and kill processes. */
const processes = {
  pool: "forks",
  poolOptions: { forks: { singleFork: true } },
  globalSetup: ["scripts/dist.mjs", "test/live/support/tablesSetup.ts"]
} satisfies ProjectConfig["test"]

export default defineConfig({
  test: {
    reporters: ["default"],
    projects: [
      {
        // Examples import the package by its name; here that is the source, never a dist of some other day.
        resolve: { alias: { orelse: fileURLToPath(new URL("src/index.ts", import.meta.url)) } },
        test: {
          name: "unit",
          include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
          exclude: ["test/live/**", "test/chaos/**"],
          setupFiles: ["test/support/ownTests.ts"],
          pool: "forks",
          testTimeout: 20_000,
          hookTimeout: 20_000
        }
      },
      {
        test: {
          ...processes,
          name: "live",
          // What asks the tables is tried on a real server too.
          include: ["test/live/**/*.test.ts", "test/**/*.db.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000
        }
      },
      {
        test: {
          ...processes,
          name: "chaos",
          include: ["test/chaos/**/*.test.ts"],
          testTimeout: 1_800_000,
          hookTimeout: 60_000
        }
      }
    ]
  }
})
