import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync, readFileSync, utimesSync, writeFileSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import { vi } from "vitest"
import * as DirectoryLock from "../../src/store/DirectoryLock.js"
import { directory } from "../support/journals.js"

const lockIn = Effect.map(directory, (path) => join(path, "db.lock"))

/** A process that is not there any more. */
const gone = { host: hostname(), pid: 2 ** 22 + 1, started: "1", url: null }

const elsewhere = { host: "another-machine", pid: 7, started: "1", url: "http://10.0.0.7:3000" }

const write = (path: string, holder: object) => writeFileSync(path, JSON.stringify(holder))

const holderIn = (path: string) => DirectoryLock.holderOf(path)

const refusal = (path: string) => Effect.map(Effect.flip(DirectoryLock.take(path)), ({ message }) => message)

describe("the lock of a directory", () => {
  it.scoped("is held as long as its scope lasts, and says where its holder listens", () =>
    Effect.gen(function* () {
      const path = yield* lockIn
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { announce } = yield* DirectoryLock.take(path)
          assert.deepInclude(holderIn(path), { host: hostname(), pid: process.pid, url: null })
          announce("http://127.0.0.1:3000")
          assert.strictEqual(holderIn(path)?.url, "http://127.0.0.1:3000")
          assert.strictEqual(
            yield* refusal(path),
            `it is in use by process ${process.pid}, which listens on http://127.0.0.1:3000`
          )
        })
      )
      assert.isFalse(existsSync(path))
      assert.isUndefined(holderIn(path))
      yield* DirectoryLock.take(path)
    })
  )

  it.scoped("is taken over from a process that is gone, or whose number is another one's by now", () =>
    Effect.gen(function* () {
      for (const left of [gone, { ...gone, pid: process.pid }]) {
        const path = yield* lockIn
        write(path, left)
        assert.isUndefined(holderIn(path))
        yield* DirectoryLock.take(path)
        assert.strictEqual(holderIn(path)?.pid, process.pid)
      }
    })
  )

  it.scoped("is taken over where it was not written to its end", () =>
    Effect.gen(function* () {
      const path = yield* lockIn
      writeFileSync(path, '{"host":"')
      yield* DirectoryLock.take(path)
      assert.strictEqual(holderIn(path)?.pid, process.pid)
    })
  )

  it.scoped("of another machine holds as long as its heart beats", () =>
    Effect.gen(function* () {
      const path = yield* lockIn
      write(path, elsewhere)
      assert.match(yield* refusal(path), /process 7 on another-machine, which listens on http:\/\/10.0.0.7:3000$/)
      const beforeLong = new Date(Date.now() - 60_000)
      utimesSync(path, beforeLong, beforeLong)
      yield* DirectoryLock.take(path)
      assert.strictEqual(holderIn(path)?.pid, process.pid)
    })
  )

  it.scoped("that somebody else took over a moment earlier is left to him", () =>
    Effect.gen(function* () {
      const path = yield* lockIn
      write(path, gone)
      const kill = vi.spyOn(process, "kill").mockImplementation(() => {
        // Between the look at who holds it and the taking.
        write(path, elsewhere)
        throw Object.assign(new Error("no such process"), { code: "ESRCH" })
      })
      const message = yield* Effect.ensuring(
        refusal(path),
        Effect.sync(() => kill.mockRestore())
      )
      assert.match(message, /process 7 on another-machine/)
      assert.deepStrictEqual(JSON.parse(readFileSync(path, "utf8")), elsewhere)
    })
  )

  it.scoped("is not given away with a lock that was lost to another one of the same number", () =>
    Effect.gen(function* () {
      const path = yield* lockIn
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* DirectoryLock.take(path)
          // As in two containers.
          write(path, { ...elsewhere, pid: process.pid })
        })
      )
      assert.strictEqual(holderIn(path)?.host, "another-machine")
    })
  )

  it.scoped("that cannot be written is refused with the reason", () =>
    Effect.map(refusal("/dev/null/db.lock"), (message) =>
      assert.strictEqual(message, "/dev/null/db.lock cannot be written (ENOTDIR)")
    )
  )
})
