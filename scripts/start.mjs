/** `npm start`: the gateway from the sources as they are now, in this process, so that signals reach it. */
import { existsSync } from "node:fs"
import { pathToFileURL } from "node:url"
import { compiler, ensure, main } from "./dist.mjs"

if (compiler() !== undefined && !(await ensure())) process.exit(1)
if (!existsSync(main)) {
  process.stderr.write("orelse: not built, and no compiler to build with: npm ci && npm start\n")
  process.exit(1)
}

// As if `orelse start` had been run: worker processes are forked from argv too.
process.argv.splice(1, 1, main, "start")
await import(pathToFileURL(main).href)
