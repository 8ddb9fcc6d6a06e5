import { build } from "./dist.mjs"

const clean = process.argv.includes("--clean")
process.exitCode = (await build({ clean })) ? 0 : 1
