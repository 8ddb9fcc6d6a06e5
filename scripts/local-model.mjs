/**
 * `node scripts/local-model.mjs`: brings what test/live/RealInference.test.ts needs besides `npm ci`. That is llama.cpp as
 * node-llama-cpp, in its CPU build alone and aside, because with its other optional builds it weighs 725 MB and not 85; and a
 * tiny model of random weights, which a program in ../shared writes. Where it cannot be had this says why and succeeds all the
 * same: then the test skips.
 *
 * `--find` brings nothing. It prints the folder, or why there is none and ends with 1.
 */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"

const version = "3.22.1"
const packages = [`node-llama-cpp@${version}`, `@node-llama-cpp/linux-x64@${version}`]
const platform = `${process.platform}-${process.arch}`

const weights = fileURLToPath(new URL("../../shared/local-model/gguf.mjs", import.meta.url))
const cache = process.env.ORELSE_LOCAL_MODEL || path.join(os.tmpdir(), "orelse-local-model")
/** One a version, and complete as soon as it is there. */
const folder = path.join(cache, version)

/** Why it cannot be had here, whatever is done. */
const obstacle = () => {
  if (platform !== "linux-x64") return `it is for linux-x64, this is ${platform}`
  if (!fs.existsSync(weights)) return "../shared/local-model is not here"
  return undefined
}

const find = () => {
  const reason = obstacle() ?? (fs.existsSync(folder) ? undefined : "node scripts/local-model.mjs brings it")
  process.stdout.write(`${reason ?? folder}\n`)
  if (reason !== undefined) process.exitCode = 1
}

const bring = () => {
  const reason = obstacle()
  if (reason !== undefined) throw new Error(reason)
  if (fs.existsSync(folder)) return
  fs.mkdirSync(cache, { recursive: true })
  // What is moved into place at the end is never half of it, also where two do this at the same time or one is killed.
  const draft = fs.mkdtempSync(path.join(cache, "draft-"))
  try {
    fs.writeFileSync(path.join(draft, "package.json"), '{ "private": true }')
    run("npm", [...install, ...packages], draft)
    run(process.execPath, [weights], draft)
    move(draft)
  } finally {
    fs.rmSync(draft, { recursive: true, force: true })
  }
}

/** No scripts: they would compile llama.cpp. Few retries: where there is no registry, nobody shall wait for long. */
const install = [
  "install",
  "--ignore-scripts",
  "--omit=optional",
  "--no-save",
  "--no-audit",
  "--no-fund",
  "--fetch-retries=1",
  "--fetch-retry-mintimeout=1000",
  "--fetch-timeout=60000",
  "--loglevel=error"
]

const run = (command, args, cwd) => {
  const { error, signal, status } = spawnSync(command, args, {
    cwd,
    stdio: ["ignore", "inherit", "inherit"],
    timeout: 240_000,
    killSignal: "SIGKILL"
  })
  if (status !== 0) throw new Error(`${command} ${args[0]}: ${error?.message ?? signal ?? `exit code ${status}`}`)
}

const move = (draft) => {
  try {
    fs.renameSync(draft, folder)
  } catch (error) {
    if (!fs.existsSync(folder)) throw error
  }
}

if (process.argv.includes("--find")) find()
else {
  try {
    bring()
    process.stdout.write(`local model: ${folder}\n`)
  } catch (error) {
    process.stdout.write(`local model: not here, so its test skips: ${error.message}\n`)
  }
}
