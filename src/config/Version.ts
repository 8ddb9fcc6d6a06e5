import { createRequire } from "node:module"

const manifest: unknown = createRequire(import.meta.url)("../../package.json")

/** The package's own version. */
export const version =
  typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "unknown"
