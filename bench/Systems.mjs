/** The systems that can be measured, and how one is brought up: started, ready, answering rightly, and quiet. */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs"
import net from "node:net"
import path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { hasEnded, start } from "./Children.mjs"
import { cpuSecondsByGroup } from "./Procfs.mjs"
import { bodies, CHUNKS } from "./Workload.mjs"

export const floor = {
  name: "floor",
  command: () => [process.execPath, here("floor.mjs")],
  env: process.env
}

/**
 * orelse as built, on the database that a `DATABASE_URL` names, or the shell command in `BENCH_SUT`. Either finds `PORT`, `BENCH_UPSTREAM` (the mock's base URL),
 * `BENCH_CONFIG` (the config file below) and `ORELSE_DATA_DIR` in its environment.
 */
export const subject = (databaseUrl, { command = process.env.BENCH_SUT, main = here("../dist/main.js") } = {}) =>
  command === undefined
    ? {
        name: "orelse",
        missing: existsSync(main) ? undefined : `${main} is not there: build first`,
        command: ({ port, config }) => [process.execPath, main, "start", "--port", String(port), "--config", config],
        // Nothing of the user's own settings or `.env`: the same orelse is measured everywhere.
        env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_ENV: "production", DATABASE_URL: databaseUrl },
        ownDirectory: true,
        keepsAccessLog: true
      }
    : { name: "BENCH_SUT", command: () => ["sh", "-c", `exec ${command}`], env: process.env }

/** A running system: `{ child, port, group, logBytes() }`. `directory` is for its files and must not exist yet;
 * with a `strategy` three instances serve the model, with a `cache` orelse keeps every answer; `everything`: it also has prices, hard
 * budgets and limits, none of which is ever reached. */
export const bringUp = async (system, { upstream, directory, core, ...options }) => {
  mkdirSync(directory)
  const port = await freePort()
  const config = path.join(directory, "orelse.yaml")
  const log = path.join(directory, "access.log")
  const outputFile = path.join(directory, "output.txt")
  writeFileSync(config, configFile(upstream, log, options))
  const output = openSync(outputFile, "w")
  const child = start(system.command({ port, config }), {
    core,
    output,
    cwd: system.ownDirectory ? directory : undefined,
    env: {
      ...system.env,
      PORT: String(port),
      HOST: "127.0.0.1",
      BENCH_UPSTREAM: upstream,
      BENCH_CONFIG: config,
      ORELSE_DATA_DIR: path.join(directory, "data")
    }
  })
  closeSync(output)
  try {
    await ready(child, port)
    await rehearse(port)
    await quiet(child.pid)
  } catch (cause) {
    const said = readFileSync(outputFile, "utf8").slice(-2000)
    throw new Error(`${system.name}: ${cause.message}${said === "" ? "" : `\n${said}`}`, { cause })
  }
  return { child, port, group: child.pid, logBytes: () => (existsSync(log) ? statSync(log).size : 0) }
}

const here = (file) => fileURLToPath(new URL(file, import.meta.url))

const configFile = (upstream, log, { strategy, cache, everything = false }) => {
  const ids = strategy === undefined ? ["mock"] : ["mock", "mock-b", "mock-c"]
  const instances = ids.map((id) => ({
    id,
    provider: "openai-compatible",
    baseUrl: upstream,
    apiKey: "sk-bench",
    ...(everything ? { pricing: { prompt: 0.15, completion: 0.6 }, rateLimit: plenty } : {})
  }))
  // JSON is YAML too.
  return JSON.stringify({
    instances,
    models: [{ id: "mock-0", targets: ids.map((instance) => ({ instance, model: "mock-0" })) }],
    routing: { strategy: strategy ?? "priority" },
    health: { checkOnStart: false },
    ...(everything ? { budgets, rateLimits } : {}),
    ...(cache === undefined ? {} : { cache: { enabled: true, policy: "all" } }),
    log: { level: "info", format: "json", file: log }
  })
}

/** More in a minute than anybody can ask. */
const plenty = { requestsPerMinute: 10_000_000, tokensPerMinute: 10_000_000_000 }

const rateLimits = ["global", "user:*"].map((scope) => ({ scope, ...plenty }))

const budgets = ["global", "provider:openai-compatible", "model:mock-0", "user:*"].map((scope) => ({
  scope,
  daily: 1_000_000,
  monthly: 10_000_000
}))

const ready = async (child, port) => {
  for (const deadline = Date.now() + READY_MS; Date.now() < deadline; await sleep(50)) {
    if (hasEnded(child)) throw new Error("it ended before it was ready")
    const status = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(1000) }).then(
      (answer) => answer.status,
      () => 0
    )
    // 404: a command without the route, which listens and so is as ready as it will be.
    if (status === 200 || status === 404) return
  }
  throw new Error(`GET /readyz did not answer 200 in ${READY_MS} ms`)
}

// Figures about wrong answers are worth nothing: look closely once, before the load generator looks only at the edges.
const rehearse = async (port) => {
  const call = async (body) => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer sk-bench" },
      body,
      signal: AbortSignal.timeout(10_000)
    })
    const text = await answer.text()
    if (answer.status !== 200) throw new Error(`it answered ${answer.status}: ${text.slice(0, 500)}`)
    return text
  }
  const buffered = JSON.parse(await call(bodies.buffered))
  if (typeof buffered.choices?.[0]?.message?.content !== "string") throw new Error("a buffered answer without content")
  const frames = (await call(bodies.streaming)).split("\n\n").filter((frame) => frame.startsWith("data: {"))
  const words = frames.filter((frame) => JSON.parse(frame.slice(6)).choices?.[0]?.delta?.content).length
  if (words !== CHUNKS) throw new Error(`${words} of ${CHUNKS} chunks in a stream`)
}

// Start-up work (a database, a compiler) would be charged to the first requests.
const quiet = async (group) => {
  const used = () => cpuSecondsByGroup().get(group) ?? 0
  for (let i = 0; i < QUIET_MS / 500; i++) {
    const before = used()
    await sleep(500)
    if (used() - before < 0.025) return
  }
}

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

const READY_MS = 60_000
const QUIET_MS = 10_000
