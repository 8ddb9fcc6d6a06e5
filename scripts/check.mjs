/** `npm run check`: every `check:*` script of package.json, two at a time. Starts nothing more after a failure. */
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..")
const { scripts } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"))
const kinds = Object.keys(scripts).filter((name) => name.startsWith("check:"))
const failed = []

const run = (kind) =>
  new Promise((resolve, reject) => {
    const startedAt = performance.now()
    const child = spawn(scripts[kind], {
      cwd: root,
      shell: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, PATH: `${path.join(root, "node_modules/.bin")}${path.delimiter}${process.env.PATH}` }
    })
    const output = []
    child.stdout.on("data", (chunk) => output.push(chunk))
    child.stderr.on("data", (chunk) => output.push(chunk))
    child.once("error", reject)
    child.once("close", (code) => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
      process.stdout.write(`${code === 0 ? "ok    " : "FAILED"} ${kind.padEnd(13)} ${seconds} s\n`)
      if (code !== 0) {
        failed.push(kind)
        process.stdout.write(`\n${Buffer.concat(output).toString()}\n`)
      }
      resolve()
    })
  })

const worker = async () => {
  while (kinds.length > 0 && failed.length === 0) await run(kinds.shift())
}

await Promise.all([worker(), worker()])
if (failed.length > 0) {
  const rerun = failed.map((kind) => `npm run ${kind}`).join(", ")
  process.stdout.write(`check failed: ${failed.join(", ")}. Again: ${rerun}\n`)
  process.exitCode = 1
}
