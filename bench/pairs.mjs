/** `npm run bench:pairs`: variants of orelse against the first of them, in short windows by turns. See README.md in this directory. */
import { mkdtempSync, rmSync } from "node:fs"
import os from "node:os"
import path from "node:path"
import { parseArgs } from "node:util"
import { fileURLToPath } from "node:url"
import { ask, canPin, killAll, start } from "./Children.mjs"
import { allowedCores } from "./Procfs.mjs"
import { bringUp, subject } from "./Systems.mjs"

const USAGE = `npm run bench:pairs -- [--rounds N] BASE OTHER...

  a variant is FEATURES[@DATABASE][=MAIN]
    FEATURES  bare, or everything: prices, hard budgets, limits and a cache that every answer is looked for in and kept
    DATABASE  none (default), embedded, or the URL of a Postgres
    MAIN      the main.js of another build
  --rounds N  windows of each variant, 3 to 200 (default 15)

  npm run bench:pairs -- bare bare@embedded everything@embedded
`

const WINDOW_MS = 2500

const variantOf = (text) => {
  const [, features, database = "none", main] = /^(bare|everything)(?:@([^=]+))?(?:=(.+))?$/.exec(text) ?? []
  if (features === undefined) throw new Error(`'${text}' is no variant`)
  const url = database === "embedded" ? "" : database
  if (url !== "" && url !== "none" && !/^postgres(ql)?:\/\//.test(url)) throw new Error(`'${database}' is no database`)
  // Of a URL no more than what it is.
  const name = `${features}@${database.split(":")[0]}${main === undefined ? "" : "=…"}`
  return { name, everything: features === "everything", url, main }
}

const main = async ({ rounds, variants }, directory) => {
  const [system, other] = allowedCores()
  const cores = other !== undefined && canPin() ? { system, load: other } : undefined
  const program = (file) =>
    start([process.execPath, fileURLToPath(new URL(file, import.meta.url))], { core: cores?.load, ipc: true })
  const mock = program("mock.mjs")
  const { port: mockPort } = await ask(mock, undefined, 10_000)
  const load = program("load.mjs")
  await ask(load, undefined, 10_000)

  const systems = []
  for (const [number, { everything, main: file, name, url }] of variants.entries()) {
    const found = subject(url, file === undefined ? {} : { main: path.resolve(file) })
    if (found.missing !== undefined) throw new Error(found.missing)
    const cache = everything ? "misses" : undefined
    const running = await bringUp(found, {
      upstream: `http://127.0.0.1:${mockPort}/v1`,
      directory: path.join(directory, String(number)),
      core: cores?.system,
      cache,
      everything
    })
    systems.push({ name, running, windows: [] })
  }
  let from = 0
  const run = ({ running }, warmupMs, windowMs) => {
    from += 10_000_000
    const about = {
      port: running.port,
      group: running.group,
      loadGroups: [mock.pid, load.pid],
      systemCore: cores?.system
    }
    const job = { ...about, loop: "closed", body: "buffered", connections: 64, spreadMs: 0, cache: "misses", from }
    return ask(load, { ...job, warmupMs, windowMs }, warmupMs + windowMs + 15_000)
  }
  for (const each of systems) await run(each, 5000, 500)
  for (let round = 0; round < rounds; round++) {
    for (const each of round % 2 === 0 ? systems : systems.toReversed())
      each.windows.push(await run(each, 500, WINDOW_MS))
  }
  process.stdout.write(`${report(systems, cores !== undefined).join("\n")}\n`)
  return systems.some(({ windows }) => windows.some(({ errors }) => errors > 0)) ? 1 : 0
}

const report = (systems, pinned) => [
  `${os.cpus()[0]?.model}, node ${process.version}, ${pinned ? "pinned" : "NOT PINNED"}, windows of ${WINDOW_MS / 1000} s: ${systems[0].windows.length}`,
  "",
  row("", "requests/s", "CPU us", "errors", "of the first: median (quartiles)"),
  ...systems.map(({ name, windows }, at) => {
    const ratios = windows.map(({ perSecond }, round) => perSecond / systems[0].windows[round].perSecond)
    const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(ratios, share).toFixed(3))
    return row(
      name,
      quantile(
        windows.map(({ perSecond }) => perSecond),
        0.5
      ).toFixed(0),
      quantile(
        windows.map(({ cpuUs }) => cpuUs),
        0.5
      ).toFixed(1),
      String(windows.reduce((sum, { errors }) => sum + errors, 0)),
      at === 0 ? "" : `${middle} (${low}-${high})`
    )
  })
]

const row = (name, ...cells) => `${name.padEnd(28)}${cells.map((cell) => cell.padStart(12)).join("")}`.trimEnd()

const quantile = (values, share) => values.toSorted((a, b) => a - b)[Math.round(share * (values.length - 1))]

const optionsFrom = (args) => {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: { rounds: { type: "string", default: "15" }, help: { type: "boolean", default: false } }
  })
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 3 || rounds > 200) throw new Error("--rounds takes a number from 3 to 200")
  if (!values.help && positionals.length < 2) throw new Error("two variants at least")
  return { rounds, help: values.help, variants: positionals.map(variantOf) }
}

let options
try {
  options = optionsFrom(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${error.message}\n\n${USAGE}`)
  process.exit(2)
}
if (options.help) {
  process.stdout.write(USAGE)
  process.exit(0)
}

const directory = mkdtempSync(path.join(os.tmpdir(), "orelse-bench-"))
process.on("exit", () => {
  killAll()
  rmSync(directory, { recursive: true, force: true })
})
process.on("SIGINT", () => process.exit(130))
process.on("SIGTERM", () => process.exit(143))

main(options, directory).then(
  (code) => process.exit(code),
  (error) => {
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  }
)
