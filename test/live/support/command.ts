import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { spawn, spawnSync } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

/** What a process starts with: nothing of this one's environment but `PATH`, in an empty folder of its own. */
export interface Setting {
  readonly env?: Readonly<Record<string, string>>
  /** What the folder holds, by name. */
  readonly files?: Readonly<Record<string, string>>
  /** Another folder, for what must run in the repository. */
  readonly directory?: string
}

/** How a process ended, and all that it said. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** Since it was launched or was sent a signal, whichever was later. */
  readonly ms: number
}

/** A process that runs. */
export interface Launched {
  readonly pid: number
  readonly directory: string
  readonly stdout: () => string
  readonly stderr: () => string
  /** What matches on its standard output, now or soon. */
  readonly says: (pattern: RegExp) => Effect.Effect<string>
  /** Sends a signal to it and its children, as a terminal does. */
  readonly signal: (name: NodeJS.Signals) => Effect.Effect<void>
  /** It and its children have ended. */
  readonly ended: Effect.Effect<Ended>
}

/** The root of the repository. */
export const root = fileURLToPath(new URL("../../..", import.meta.url))

/** Launches the built `orelse`. */
export const launch = (args: ReadonlyArray<string>, setting: Setting = {}) =>
  launchProgram(process.execPath, [join(root, "dist/main.js"), ...args], setting)

/** Runs the built `orelse` to its end. */
export const run = (args: ReadonlyArray<string>, setting: Setting = {}): Effect.Effect<Ended> =>
  Effect.scoped(Effect.flatMap(launch(args, setting), ({ ended }) => ended))

/** What a line prints in a shell. */
export const shell = (line: string, setting: Setting = {}): Effect.Effect<string> =>
  Effect.scoped(Effect.flatMap(launchProgram("sh", ["-c", line], setting), ({ ended }) => ended)).pipe(
    Effect.map(({ code, stderr, stdout }) => (code === 0 ? stdout : `${line} ended with ${code}: ${stderr}`))
  )

/** Is there a curl for the shell? */
export const hasCurl = spawnSync("curl", ["--version"]).status === 0

/** Launches a program in a process group of its own, which is killed with the scope. */
export const launchProgram = (
  program: string,
  args: ReadonlyArray<string>,
  setting: Setting = {}
): Effect.Effect<Launched, never, Scope.Scope> =>
  Effect.gen(function* () {
    const directory = yield* folder(setting.files ?? {})
    const since = { at: performance.now() }
    const child = spawn(program, args, {
      cwd: setting.directory ?? directory,
      // A database of its own would cost each of them seconds; who wants one sets DATABASE_URL, or leaves it empty.
      env: { PATH: process.env["PATH"], HOME: directory, DATABASE_URL: "none", ...setting.env },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"]
    })
    const { pid = 0 } = child
    yield* Effect.addFinalizer(() => Effect.sync(() => toGroup(pid, "SIGKILL")))
    const said = { stdout: "", stderr: "" }
    child.stdout.setEncoding("utf8").on("data", (text) => (said.stdout += text))
    child.stderr.setEncoding("utf8").on("data", (text) => (said.stderr += text))
    const closed = new Promise<Ended>((resolve) => {
      child.once("close", (code, signal) => resolve({ code, signal, ...said, ms: performance.now() - since.at }))
    })
    const story = () => `${program} ${args.join(" ")}\n${said.stdout}\n${said.stderr}`
    return {
      pid,
      directory,
      stdout: () => said.stdout,
      stderr: () => said.stderr,
      says: (pattern) =>
        eventually(
          () => `${pattern} from ${story()}`,
          Effect.suspend(() => Effect.fromNullable(pattern.exec(said.stdout)?.[0]))
        ),
      signal: (name) =>
        Effect.sync(() => {
          since.at = performance.now()
          toGroup(pid, name)
        }),
      ended: Effect.promise(() => closed).pipe(within(() => `the end of ${story()}`))
    }
  })

/** Tries until it succeeds, at most for as long as a slow machine could need. */
export const eventually = <A, E>(what: () => string, probe: Effect.Effect<A, E>): Effect.Effect<A> =>
  probe.pipe(Effect.retry(Schedule.spaced("10 millis")), within(what))

/** The same for what takes longer, and costs more to look at. */
export const atLast = <A, E>(what: () => string, probe: Effect.Effect<A, E>): Effect.Effect<A> =>
  probe.pipe(Effect.retry(Schedule.spaced("250 millis")), within(what, "90 seconds"))

const within =
  (what: () => string, duration: Duration.DurationInput = "20 seconds") =>
  <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A> =>
    effect.pipe(
      Effect.timeoutFail({ duration, onTimeout: () => new Error(`waited in vain for ${what()}`) }),
      Effect.orDie
    )

/** Is there still a process of this group? */
export const isAlive = (group: number): boolean => toGroup(group, 0)

/** Whether there was somebody to get it. */
const toGroup = (group: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(-group, signal)
  } catch {
    return false
  }
}

const folder = (files: Readonly<Record<string, string>>): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "orelse-live-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
  ).pipe(
    Effect.tap((path) =>
      Effect.forEach(Object.entries(files), ([name, text]) => Effect.promise(() => writeFile(join(path, name), text)))
    )
  )
