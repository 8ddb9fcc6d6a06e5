/** `npm run bench`: orelse against the floor on one core. See README.md in this directory. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import os from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { ask, canPin, hasEnded, killAll, start, stop } from "./Children.mjs"
import { allowedCores, groupRssBytes } from "./Procfs.mjs"
import { render, summarise } from "./Report.mjs"
import { bringUp, floor, subject } from "./Systems.mjs"

const USAGE = `npm run bench -- [--quick] [--only buffered|streaming] [--rounds N] [--strategy NAME] [--cache KIND] [--database WHICH] [--json FILE]

  --quick     shorter windows: a first impression, not a figure to quote
  --only      one kind of traffic
  --rounds N  rounds of floor and system, 1 to 50 (default 3)
  --strategy  three instances instead of one, ordered by it: least-latency, cost-optimized, ...
  --cache     misses: every answer is looked for and kept, and never found; hits: it is always found
  --database  what orelse remembers in: none (default), embedded, or the URL of a Postgres
  --json FILE writes everything that was measured
  BENCH_SUT="command"  measures any command that listens on $PORT and forwards to $BENCH_UPSTREAM instead of orelse
`

const say = (text) => process.stderr.write(`${text}\n`)

const main = async (options, directory) => {
  const cores = pinning()
  const systems = { floor, subject: subject(databaseUrl(options.database)) }
  if (systems.subject.missing !== undefined) throw new Error(systems.subject.missing)

  const program = (file) =>
    start([process.execPath, fileURLToPath(new URL(file, import.meta.url))], { core: cores?.load, ipc: true })
  const mock = program("mock.mjs")
  const { port: mockPort } = await ask(mock, undefined, 10_000)
  const load = program("load.mjs")
  await ask(load, undefined, 10_000)
  const tools = { cores, mock, load, upstream: `http://127.0.0.1:${mockPort}/v1` }

  const rounds = []
  for (let number = 1; number <= options.rounds; number++) {
    const round = {}
    for (const [role, system] of Object.entries(systems)) {
      say(`round ${number} of ${options.rounds}: ${system.name}`)
      round[role] = await measure(system, tools, options, path.join(directory, `${number}-${role}`))
    }
    rounds.push(round)
  }

  const summary = summarise({
    subject: systems.subject.name,
    machine: {
      cpu: os.cpus()[0]?.model,
      cores: os.cpus().length,
      node: process.version,
      kernel: os.release(),
      pinned: cores !== undefined
    },
    // Of a URL no more than what it is.
    options: { ...options, database: options.database.split(":")[0] },
    rounds
  })
  process.stdout.write(render(summary))
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(summary, null, 2)}\n`)
  return summary.failed ? 1 : 0
}

/** One round of one system, in a process started for it: memory and a compiled hot path are not inherited. */
const measure = async (system, { cores, mock, load, upstream }, options, directory) => {
  const running = await bringUp(system, { upstream, directory, core: cores?.system, ...options })
  const { port, group } = running
  const times = options.quick ? QUICK : FULL
  const job = async (settings) => {
    const about = { port, group, loadGroups: [mock.pid, load.pid], systemCore: cores?.system }
    const full = { ...about, connections: 64, spreadMs: 0, cache: options.cache, ...settings }
    const figures = await ask(load, full, full.warmupMs + full.windowMs + 15_000)
    if (hasEnded(running.child)) throw new Error(`${system.name} died`)
    return figures
  }
  const streams = async (gapMs) => {
    await ask(mock, { gapMs }, 5000)
    return job({ loop: "closed", body: "streaming", connections: 100, spreadMs: 650, ...times.streams })
  }

  const rssIdle = groupRssBytes(group)
  const result = {}
  if (options.only !== "streaming") {
    result.closed = await job({ loop: "closed", body: "buffered", ...times.closed })
    result.open = await job({ loop: "open", body: "buffered", rate: 1000, ...times.open })
  }
  if (options.only !== "buffered") {
    result.stream10 = await streams(10)
    result.stream0 = await streams(0)
  }
  result.rssMiB = { idle: rssIdle / 2 ** 20, loaded: groupRssBytes(group) / 2 ** 20 }
  result.accessLogBytes = system.keepsAccessLog ? running.logBytes() : null
  await stop(running.child)
  rmSync(directory, { recursive: true, force: true })
  return result
}

const FULL = {
  closed: { warmupMs: 4000, windowMs: 5000 },
  open: { warmupMs: 1000, windowMs: 5000 },
  streams: { warmupMs: 2000, windowMs: 5000 }
}
const QUICK = {
  closed: { warmupMs: 2000, windowMs: 2000 },
  open: { warmupMs: 500, windowMs: 2000 },
  streams: { warmupMs: 1000, windowMs: 2000 }
}

const pinning = () => {
  const [system, load] = allowedCores()
  if (load !== undefined && canPin()) return { system, load }
  say(
    `${load === undefined ? "one core only" : "no taskset"}: running unpinned, so systems and load share cores and the ` +
      "figures say little"
  )
  return undefined
}

const optionsFrom = (args) => {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      rounds: { type: "string", default: "3" },
      strategy: { type: "string" },
      cache: { type: "string" },
      database: { type: "string", default: "none" },
      json: { type: "string" },
      help: { type: "boolean", default: false }
    }
  })
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 50) throw new Error("--rounds takes a number from 1 to 50")
  if (values.only !== undefined && values.only !== "buffered" && values.only !== "streaming") {
    throw new Error("--only takes buffered or streaming")
  }
  if (values.cache !== undefined && values.cache !== "hits" && values.cache !== "misses") {
    throw new Error("--cache takes hits or misses")
  }
  if (databaseUrl(values.database) === undefined) {
    throw new Error("--database takes none, embedded, or a postgres:// URL")
  }
  return { ...values, rounds }
}

/** As orelse's `DATABASE_URL`. */
const databaseUrl = (name) => {
  if (name === "none") return name
  if (name === "embedded") return ""
  return /^postgres(ql)?:\/\//.test(name) ? name : undefined
}

const usageError = (message) => {
  say(`${message}\n\n${USAGE}`)
  process.exit(2)
}

let options
try {
  options = optionsFrom(process.argv.slice(2))
} catch (error) {
  usageError(error.message)
}
if (options.help) {
  process.stdout.write(USAGE)
  process.exit(0)
}
if (process.platform !== "linux") usageError("the bench reads /proc and needs Linux")

const directory = mkdtempSync(path.join(os.tmpdir(), "orelse-bench-"))
process.on("exit", () => {
  killAll()
  rmSync(directory, { recursive: true, force: true })
})
process.on("SIGINT", () => process.exit(130))
process.on("SIGTERM", () => process.exit(143))
process.on("SIGHUP", () => process.exit(129))

main(options, directory).then(
  (code) => process.exit(code),
  (error) => {
    say(error.message)
    process.exit(1)
  }
)
