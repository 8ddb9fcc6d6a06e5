/** What dist is made of, whether it is what src says, and how it is made. */
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { createRequire } from "node:module"
import * as path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..")
const src = path.join(root, "src")
const dist = path.join(root, "dist")
const stamp = path.join(dist, ".stamp")
const lock = path.join(dist, ".lock")

/** The file that the `orelse` command runs. */
export const main = path.join(dist, "main.js")

/** Path of the compiler, or `undefined` where only the runtime dependencies are installed. */
export const compiler = () => {
  try {
    return createRequire(import.meta.url).resolve("typescript/bin/tsc")
  } catch {
    return undefined
  }
}

/** Was dist built, to the end, from exactly these sources? */
export const isCurrent = () => {
  const sources = sourceFiles()
  return read(stamp) === fingerprint(sources) && outputsOf(sources).every((file) => fs.existsSync(file))
}

/**
 * Builds unless dist is current, and prints nothing unless it fails. Processes that ask at the same time wait for one
 * build. Resolves to whether dist can be run.
 */
export const ensure = async () => isCurrent() || locked(async () => isCurrent() || compile())

/** Builds; `clean` first forgets every earlier build. Resolves to whether it succeeded. */
export const build = ({ clean = false } = {}) => locked(async () => compile(clean))

/** Vitest's global setup for the suites that start the built gateway. */
export const setup = async () => {
  if (!(await ensure())) throw new Error("src does not compile")
}

const compile = async (clean = false) => {
  const tsc = compiler()
  if (tsc === undefined) {
    process.stderr.write("orelse: no compiler to build with; install the development dependencies: npm ci\n")
    return false
  }
  const sources = sourceFiles()
  const digest = fingerprint(sources)
  fs.rmSync(stamp, { force: true })
  // tsc writes only what changed since its last run, and does not notice that an output was deleted.
  const partial = !outputsOf(sources).every((file) => fs.existsSync(file))
  if (clean || partial) fs.rmSync(path.join(dist, ".tsbuildinfo"), { force: true })
  removeOrphans(clean ? [] : sources)
  if (!(await run(tsc, ["-p", path.join(root, "tsconfig.build.json")]))) return false
  if (fs.existsSync(main)) fs.chmodSync(main, 0o755)
  fs.writeFileSync(stamp, digest)
  return true
}

/** A module that was renamed or deleted must not live on in dist, nor be packed. */
const removeOrphans = (sources) => {
  const known = new Set(outputsOf(sources).flatMap((file) => [file, `${file}.map`]))
  for (const file of filesBelow(dist)) {
    if (!path.basename(file).startsWith(".") && !known.has(file)) fs.rmSync(file)
  }
}

const run = (script, args) =>
  new Promise((resolve, reject) => {
    // The compiler's words go to stderr: stdout belongs to whatever is started afterwards.
    const child = spawn(process.execPath, [script, "--pretty", ...args], { stdio: ["ignore", 2, 2] })
    child.once("error", reject)
    child.once("exit", (code) => resolve(code === 0))
  })

const locked = async (work) => {
  fs.mkdirSync(dist, { recursive: true })
  while (!tryLock()) await sleep(50)
  try {
    return await work()
  } finally {
    fs.rmSync(lock, { force: true })
  }
}

const tryLock = () => {
  try {
    fs.writeFileSync(lock, String(process.pid), { flag: "wx" })
    return true
  } catch (error) {
    if (error.code !== "EEXIST") throw error
    if (isAbandoned()) fs.rmSync(lock, { force: true })
    return false
  }
}

const isAbandoned = () => {
  const age = Date.now() - (fs.statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0)
  const holder = Number(read(lock))
  // A pid can be somebody else's by now, so an old lock is abandoned whatever its pid.
  if (age > 120_000 || holder === process.pid) return true
  if (!holder) return false
  try {
    process.kill(holder, 0)
    return false
  } catch (error) {
    return error.code === "ESRCH"
  }
}

const sourceFiles = () => filesBelow(src).filter((file) => file.endsWith(".ts"))

const outputsOf = (sources) =>
  sources.flatMap((file) => {
    const output = path.join(dist, path.relative(src, file).slice(0, -".ts".length))
    return [`${output}.js`, `${output}.d.ts`]
  })

const fingerprint = (sources) => {
  const hash = createHash("sha256")
  for (const file of [...sources, path.join(root, "tsconfig.json"), path.join(root, "tsconfig.build.json")]) {
    hash
      .update(`${path.relative(root, file)}\0`)
      .update(fs.readFileSync(file))
      .update("\0")
  }
  return hash.digest("hex")
}

const filesBelow = (directory) =>
  fs.existsSync(directory)
    ? fs
        .readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name))
        .toSorted()
    : []

const read = (file) => {
  try {
    return fs.readFileSync(file, "utf8")
  } catch {
    return undefined
  }
}
