import { mkdirSync, readFileSync, readlinkSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { readdir, readFile, rename, rm, stat } from "node:fs/promises"
import { hostname } from "node:os"
import { join } from "node:path"
import { isAlive, startOf } from "./ProcessLife.js"
import { codeOf } from "./SystemError.js"

/**
 * Who owns the journals of a directory. Each process has a `<run>.run` that says who it is and that it touches as long as it
 * lives; an empty `<journal>.by-<run>` says whose a journal is. That file is renamed when a journal goes from a process
 * that is gone to one that lives, so that of many who try one succeeds.
 */
export class Runs {
  /** What was seen of processes whose pids mean nothing here. */
  readonly #watched = new Map<string, { readonly beat: number; readonly looks: number }>()

  constructor(
    readonly directory: string,
    readonly id: string
  ) {}

  /** Begins the run, and a journal of its own name. Throws where the directory cannot be written. */
  begin(): void {
    mkdirSync(this.directory, { recursive: true, mode: 0o700 })
    writeFileSync(this.#run(this.id), JSON.stringify(own()), { mode: 0o600 })
    writeFileSync(this.#claim(this.id, this.id), "", { mode: 0o600 })
  }

  /** Says that it lives, at this Unix time in ms. False: somebody took it for dead, or cleared the directory. */
  beat(now: number): boolean {
    try {
      utimesSync(this.#run(this.id), now / 1000, now / 1000)
      return true
    } catch (error) {
      return codeOf(error) !== "ENOENT"
    }
  }

  /** The journal is gone, and nobody need look for it. */
  release(journal: string): void {
    rmSync(this.#claim(journal, this.id), { force: true })
  }

  /** Leaves what is not released to whoever comes next. */
  end(): void {
    rmSync(this.#run(this.id), { force: true })
  }

  /** The journals of the directory, whoever has them. */
  async journals(): Promise<ReadonlyArray<string>> {
    return claimsOf(await readdir(this.directory)).map(({ journal }) => journal)
  }

  /** Takes over the journals of those that are gone, the oldest first. To be called every `lookEvery`. */
  async adopt(): Promise<ReadonlyArray<string>> {
    const names = await readdir(this.directory)
    const claims = claimsOf(names).filter(({ run }) => run !== this.id)
    const runs = new Set(claims.map(({ run }) => run))
    for (const name of names) if (running.test(name)) runs.add(name.slice(0, -".run".length))
    runs.delete(this.id)
    const adopted: Array<{ readonly journal: string; readonly begun: number }> = []
    for (const run of runs) {
      if (!(await this.#isGone(run))) continue
      // Should it live after all, it misses this file first.
      await rm(this.#run(run), { force: true })
      for (const { journal } of claims.filter((claim) => claim.run === run)) {
        const begun = await this.#take(journal, run)
        if (begun !== undefined) adopted.push({ journal, begun })
      }
    }
    return adopted.toSorted((one, other) => one.begun - other.begun).map(({ journal }) => journal)
  }

  /** When the journal was begun, Unix time in ms; `undefined`: another one was faster, or it cannot be had. */
  async #take(journal: string, run: string): Promise<number | undefined> {
    const taken = this.#claim(journal, this.id)
    try {
      await rename(this.#claim(journal, run), taken)
    } catch {
      return undefined
    }
    return (await stat(taken)).mtimeMs
  }

  async #isGone(run: string): Promise<boolean> {
    const path = this.#run(run)
    try {
      const owner = ownerOf(await readFile(path, "utf8"))
      if (owner?.place === own().place) {
        const alive = isAlive(owner.pid, owner.started)
        if (!alive || owner.started !== undefined) return !alive
      }
      // Its heart is watched here, and not its clock compared with ours.
      const beat = (await stat(path)).mtimeMs
      const before = this.#watched.get(run)
      const looks = before?.beat === beat ? before.looks + 1 : 0
      this.#watched.set(run, { beat, looks })
      return looks >= enoughLooks
    } catch (error) {
      return codeOf(error) === "ENOENT"
    }
  }

  #run(run: string): string {
    return join(this.directory, `${run}.run`)
  }

  #claim(journal: string, run: string): string {
    return join(this.directory, `${journal}.by-${run}`)
  }
}

/** In ms. */
export const lookEvery = 10_000

/** Looks without a heartbeat after which a process of another machine is taken for dead. */
const enoughLooks = 3

const running = /^[0-9a-f-]{36}\.run$/
const claimed = /^([0-9a-f-]{36})\.by-([0-9a-f-]{36})$/

const claimsOf = (names: ReadonlyArray<string>): ReadonlyArray<{ readonly journal: string; readonly run: string }> =>
  names.flatMap((name) => {
    const [, journal, run] = claimed.exec(name) ?? []
    return journal === undefined || run === undefined ? [] : [{ journal, run }]
  })

interface Owner {
  /** Where its pid means something: a boot of a machine, and there a container. */
  readonly place: string
  readonly pid: number
  /** When it started, as its system counts; it tells a reused pid from the old one. */
  readonly started: string | undefined
}

const own = (): Owner => ({ place: place(), pid: process.pid, started: startOf(process.pid) })

const ownerOf = (text: string): Owner | undefined => {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== "object" || parsed === null || !("place" in parsed) || !("pid" in parsed)) return undefined
    if (typeof parsed.place !== "string" || typeof parsed.pid !== "number") return undefined
    const started = "started" in parsed && typeof parsed.started === "string" ? parsed.started : undefined
    return { place: parsed.place, pid: parsed.pid, started }
  } catch {
    // Not written to its end.
    return undefined
  }
}

const place = (): string =>
  [
    hostname(),
    known(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()),
    known(() => readlinkSync("/proc/self/ns/pid"))
  ].join(" ")

const known = <A>(ask: () => A): A | undefined => {
  try {
    return ask()
  } catch {
    return undefined
  }
}
