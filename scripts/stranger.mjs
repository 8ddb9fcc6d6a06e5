/**
 * What a user of the package meets: an empty project that has another Effect than ours, the tarball and the examples.
 * Arguments go to vitest.
 */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..")
const manifest = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"))
const examples = path.join(root, "examples")

/** The lowest Effect that our peer range allows. */
const oldest = manifest.peerDependencies.effect.replace(/^\^/, "")

const meet = (project) => {
  const run = runner(project)
  const bin = (name) => path.join(project, "node_modules/.bin", name)
  const { programs, tests } = listExamples()
  expect(oldest !== manifest.devDependencies.effect, `effect ${oldest} is what we use ourselves, which shows nothing`)

  run("npm pack", "npm", ["pack", "--loglevel", "warn", "--pack-destination", project], { cwd: root })
  writeProject(
    project,
    fs.readdirSync(project).find((name) => name.endsWith(".tgz"))
  )
  run("npm install", "npm", ["install", "--strict-peer-deps", "--no-audit", "--no-fund"])
  expectOneEffect(project)

  const exported = Object.keys(manifest.exports).filter((subpath) => !subpath.endsWith(".json"))
  const imports = exported.map((subpath) => `await import("orelse${subpath.slice(1)}")`)
  run(`import ${exported.join(" ")}`, process.execPath, ["--input-type=module", "--eval", imports.join("\n")])
  run("orelse --help", bin("orelse"), ["--help"], { stdio: ["ignore", "ignore", "inherit"] })

  run("types of the examples", bin("tsc"), ["-p", "."])
  for (const name of programs) {
    run(`examples/${name}`, bin("tsx"), [`examples/${name}`], { timeout: 60_000, killSignal: "SIGKILL" })
  }
  run(`examples/${tests.join(" ")}`, bin("vitest"), ["run", "--dir", "examples", ...process.argv.slice(2)])
}

const runner =
  (project) =>
  (title, command, args, options = {}) => {
    process.stdout.write(`\nstranger: ${title}\n`)
    const { error, status, signal } = spawnSync(command, args, {
      cwd: project,
      stdio: ["ignore", "inherit", "inherit"],
      ...options
    })
    expect(status === 0, `${title}: ${error?.message ?? (signal === null ? `exit code ${status}` : signal)}`)
  }

/** Those that run by themselves and are expected to end, and those that are for vitest. */
const listExamples = () => {
  const names = fs.readdirSync(examples).filter((name) => name.endsWith(".ts"))
  const tests = names.filter((name) => name.endsWith(".test.ts"))
  const programs = names.filter((name) => !tests.includes(name))
  expect(programs.length > 0 && tests.length > 0, "examples/ must hold a program and a test")
  return { programs, tests }
}

const writeProject = (project, tarball) => {
  const tools = ["tsx", "vitest", "@effect/vitest", "typescript", "@types/node"]
  const files = {
    "package.json": {
      name: "stranger",
      private: true,
      type: "module",
      dependencies: { effect: oldest, orelse: `file:${tarball}` },
      devDependencies: Object.fromEntries(tools.map((name) => [name, manifest.devDependencies[name]]))
    },
    "tsconfig.json": {
      compilerOptions: {
        target: "ES2022",
        module: "NodeNext",
        types: ["node"],
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: true,
        noEmit: true
      },
      include: ["examples"]
    }
  }
  for (const [name, content] of Object.entries(files)) {
    fs.writeFileSync(path.join(project, name), JSON.stringify(content, undefined, 2))
  }
  fs.cpSync(examples, path.join(project, "examples"), { recursive: true })
}

const expectOneEffect = (project) => {
  const { packages } = JSON.parse(fs.readFileSync(path.join(project, "node_modules/.package-lock.json"), "utf8"))
  const copies = Object.entries(packages).filter(([where]) => where.endsWith("node_modules/effect"))
  const found = copies.map(([where, { version }]) => `${where} ${version}`).join(", ")
  process.stdout.write(`\nstranger: ${found}\n`)
  expect(found === `node_modules/effect ${oldest}`, `one effect ${oldest} expected, as the project asked for`)
}

const expect = (holds, otherwise) => {
  if (!holds) throw new Error(otherwise)
}

const project = fs.mkdtempSync(path.join(os.tmpdir(), "orelse-stranger-"))
try {
  meet(project)
} catch (error) {
  process.stderr.write(`\nstranger: ${error.message}\n`)
  process.exitCode = 1
} finally {
  fs.rmSync(project, { recursive: true, force: true })
}
