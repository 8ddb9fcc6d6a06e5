import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import type { Backlog } from "../../src/store/Backlog.js"
import { Journal } from "../../src/store/Journal.js"
import { abandon, directory, drain, fileOf, filesOf, killAll, until } from "../support/journals.js"

type Open = Journal["Type"]

/** It lives until the test ends. */
const open = (
  path: string,
  bounds: { readonly maxBytes?: number; readonly segmentBytes?: number } = {}
): Effect.Effect<Open, never, Scope.Scope> =>
  Effect.map(Layer.build(Journal.layer({ directory: path, ...bounds })), (context) => Context.get(context, Journal))

/** What waits in it, of all its journals. */
const rest = (journal: Open) =>
  Effect.map(Effect.forEach(journal.backlogs(), drain), (found) => found.flat().map(({ data }) => data))

/** What it appends itself. */
const own = (journal: Open): Backlog => at(journal, -1)

/** What it took over first. */
const first = (journal: Open): Backlog => at(journal, 0)

const at = (journal: Open, index: number): Backlog => {
  const backlog = journal.backlogs().at(index)
  if (backlog === undefined) throw new Error("there is no such backlog")
  return backlog
}

/** What a process leaves that ends without a word, with this in the file that says who it was. */
const leave = (path: string, owner: (own: Readonly<Record<string, unknown>>) => object) =>
  Effect.gen(function* () {
    const [run, text] = yield* Effect.scoped(
      Effect.map(open(path), (journal) => {
        journal.appendNow("event", "1")
        const file = fileOf(path, ".run")
        return [file, readFileSync(file, "utf8")] as const
      })
    )
    writeFileSync(run, JSON.stringify(owner(JSON.parse(text))))
    return run
  })

/** One more look for what is left; it finds at least a journal without a record. */
const look = (path: string, journal: Open) =>
  Effect.gen(function* () {
    const id = abandon(path)
    yield* TestClock.adjust("10 seconds")
    yield* until(() => journal.backlogs().some((backlog) => backlog.id === id))
  })

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

/** Collects what is logged. */
const overheard = <A, E, R>(body: (lines: ReadonlyArray<string>) => Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const logger = Logger.make(({ message }) => lines.push(String(message)))
    return Effect.provide(body(lines), Logger.replace(Logger.defaultLogger, logger))
  })

describe("the journal", () => {
  it.scoped("gives back what was appended, in order, and then keeps nothing of it", () =>
    Effect.gen(function* () {
      const path = join(yield* directory, "journal")
      const journal = yield* open(path, { segmentBytes: 4_000 })
      for (const number of numbers(1, 2_000)) assert.isTrue(journal.append("event", String(number)))
      assert.strictEqual(journal.stats().pending, 2_000)
      yield* journal.waiting(2_000)
      assert.isAbove(filesOf(path, ".ndjson").length, 0)
      assert.deepStrictEqual(yield* rest(journal), numbers(1, 2_000))
      assert.strictEqual(journal.stats().pending, 0)
      assert.isTrue(journal.appendNow("event", JSON.stringify("after")))
      assert.deepStrictEqual((yield* own(journal).read(0)).records.at(-1), { kind: "event", json: '"after"' })
    })
  )

  it.scoped("writes at once what must be known before it returns, after what came before", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const journal = yield* open(path)
      journal.append("event", JSON.stringify("é"))
      assert.deepStrictEqual(filesOf(path, ".ndjson"), [])
      journal.appendNow("intent", "2")
      const file = fileOf(path, ".ndjson")
      assert.strictEqual(readFileSync(file, "utf8"), '["event","é"]\n["intent",2]\n')
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
    })
  )

  it.scoped("makes its directory for nobody but its owner", () =>
    Effect.gen(function* () {
      const path = join(yield* directory, "data", "journal")
      yield* open(path)
      assert.strictEqual(statSync(path).mode & 0o777, 0o700)
    })
  )

  it.scoped("leaves no files behind when all of it was read, and else what was not", () =>
    Effect.gen(function* () {
      const path = yield* directory
      yield* Effect.scoped(
        Effect.gen(function* () {
          const journal = yield* open(path)
          journal.appendNow("event", "1")
          yield* rest(journal)
        })
      )
      assert.deepStrictEqual(readdirSync(path), [])
      yield* Effect.scoped(Effect.map(open(path), (journal) => journal.append("event", "2")))
      assert.deepStrictEqual(yield* rest(yield* open(path)), [2])
    })
  )

  it.scoped("takes over what a killed process left, the oldest first, and deletes it once it was read", () =>
    Effect.gen(function* () {
      const path = yield* directory
      for (const number of [1, 2, 3]) {
        const journal = yield* open(path)
        if (number > 1) assert.strictEqual(journal.stats().adopted, number - 1)
        journal.appendNow("event", String(number))
        const { id } = own(journal)
        // The first one is not the oldest.
        const begun = 1_000 - number
        for (const claim of filesOf(path, "").filter((file) => file.includes(`${id}.by-`)))
          utimesSync(claim, begun, begun)
        killAll(path)
      }
      const journal = yield* open(path)
      assert.strictEqual(journal.stats().adopted, 3)
      assert.deepStrictEqual(yield* rest(journal), [3, 2, 1])
      assert.deepStrictEqual(filesOf(path, ".ndjson"), [])
      assert.deepInclude(journal.stats(), { adopted: 0, bytes: 0 })
    })
  )

  it.scoped("reads around a torn end and damaged lines", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const left = yield* open(path)
      for (const number of [1, 2, 3]) left.appendNow("event", String(number))
      const file = fileOf(path, ".ndjson")
      const text = readFileSync(file, "utf8")
      writeFileSync(file, text.replace('["event",2]', '["event"\0\n2]'))
      appendFileSync(file, '["event",4')
      killAll(path)
      const journal = yield* open(path)
      const batch = yield* first(journal).read(0)
      assert.deepStrictEqual(
        batch.records.map(({ json }) => json),
        ["1", "3"]
      )
      assert.strictEqual(batch.damaged, 2)
      assert.deepStrictEqual(yield* rest(journal), [1, 3])
      assert.deepStrictEqual(filesOf(path, ".ndjson"), [])
    })
  )

  it.scoped("goes on behind a segment that is gone", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const left = yield* open(path, { segmentBytes: 10 })
      for (const number of [1, 2, 3]) left.appendNow("event", String(number))
      for (const file of filesOf(path, ".ndjson")) if (readFileSync(file, "utf8").includes("2")) rmSync(file)
      killAll(path)
      assert.deepStrictEqual(yield* rest(yield* open(path)), [1, 3])
    })
  )

  it.scoped("of a killed process goes to one of two that start at once", () =>
    Effect.gen(function* () {
      const path = yield* directory
      for (const number of numbers(1, 20)) (yield* open(path)).appendNow("event", String(number))
      killAll(path)
      const both = yield* Effect.all([open(path), open(path)], { concurrency: "unbounded" })
      const found = yield* Effect.forEach(both, rest, { concurrency: "unbounded" })
      assert.sameMembers(found.flat(), numbers(1, 20))
    })
  )

  it.scoped("of a process that lives is left alone", () =>
    Effect.gen(function* () {
      const path = yield* directory
      yield* leave(path, (owner) => owner)
      const journal = yield* open(path)
      yield* look(path, journal)
      assert.strictEqual(journal.stats().adopted, 1)
    })
  )

  it.scoped("of a process whose pid is another one's by now is taken over", () =>
    Effect.gen(function* () {
      const path = yield* directory
      yield* leave(path, (owner) => ({ ...owner, started: "1" }))
      assert.deepStrictEqual(yield* rest(yield* open(path)), [1])
    })
  )

  it.scoped("of another machine is taken over when its heart has not beaten for half a minute", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const run = yield* leave(path, (owner) => ({ ...owner, place: "another machine" }))
      const journal = yield* open(path)
      for (const beat of numbers(1, 10)) {
        utimesSync(run, beat, beat)
        yield* look(path, journal)
      }
      yield* look(path, journal)
      yield* look(path, journal)
      assert.strictEqual(journal.stats().adopted, 12)
      yield* look(path, journal)
      assert.strictEqual(journal.stats().adopted, 14)
      assert.deepStrictEqual(yield* rest(journal), [1])
    })
  )

  it.scoped("takes no more when it is full, loses nothing that it has, and takes again when that was read", () =>
    overheard((lines) =>
      Effect.gen(function* () {
        const journal = yield* open(yield* directory, { maxBytes: 1_200, segmentBytes: 400 })
        const taken = numbers(1, 500).filter((number) => journal.append("event", String(number)))
        assert.isAbove(taken.length, 50)
        assert.deepInclude(journal.stats(), { dropped: 500 - taken.length, writable: false })
        yield* TestClock.adjust("10 seconds")
        assert.isAtMost(journal.stats().bytes, 1_200)
        assert.deepStrictEqual(yield* rest(journal), taken)
        assert.isTrue(journal.append("event", "501"))
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(lines, [
          "journal: it is full; what the database is to know is dropped",
          `journal: it takes records again, after ${500 - taken.length} that it did not`
        ])
      })
    )
  )

  it.scoped("in a directory that cannot be made takes nothing, says so once, and goes on when it can", () =>
    overheard((lines) =>
      Effect.gen(function* () {
        const data = join(yield* directory, "data")
        writeFileSync(data, "a file")
        const journal = yield* open(join(data, "journal"))
        for (const number of numbers(1, 100)) {
          assert.isFalse(journal.append("event", String(number)))
          assert.isFalse(journal.appendNow("event", String(number)))
        }
        yield* TestClock.adjust("10 seconds")
        assert.deepInclude(journal.stats(), { dropped: 200, pending: 0, writable: false })
        rmSync(data)
        yield* TestClock.adjust("1 second")
        assert.isTrue(journal.appendNow("event", "101"))
        assert.deepStrictEqual(yield* rest(journal), [101])
        assert.deepStrictEqual(lines, [
          "journal: it cannot be written (ENOTDIR); what the database is to know is dropped",
          "journal: it takes records again, after 200 that it did not"
        ])
      })
    )
  )

  it.scoped("keeps what it could not write, and writes it when that goes again", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const journal = yield* open(path)
      const { id } = own(journal)
      mkdirSync(join(path, `${id}-0.ndjson`))
      assert.isTrue(journal.append("event", "1"))
      assert.isFalse(journal.appendNow("event", "2"))
      assert.isFalse(journal.append("event", "3"))
      yield* TestClock.adjust("5 seconds")
      assert.deepInclude(journal.stats(), { pending: 1, dropped: 2, writable: false })
      rmSync(join(path, `${id}-0.ndjson`), { recursive: true })
      yield* TestClock.adjust("1 second")
      assert.isTrue(journal.appendNow("event", "4"))
      assert.deepStrictEqual(yield* rest(journal), [1, 4])
    })
  )

  it.scoped("begins anew when its files were deleted from outside", () =>
    Effect.gen(function* () {
      const path = join(yield* directory, "journal")
      const journal = yield* open(path)
      journal.appendNow("event", "1")
      rmSync(path, { recursive: true })
      yield* TestClock.adjust("1 second")
      assert.isTrue(journal.appendNow("event", "2"))
      assert.isTrue(existsSync(path))
      assert.deepStrictEqual(yield* rest(journal), [2])
    })
  )

  it.scoped("refuses a record that is too long", () =>
    Effect.gen(function* () {
      const journal = yield* open(yield* directory)
      assert.isFalse(journal.append("event", JSON.stringify("x".repeat(1024 * 1024))))
      assert.isTrue(journal.append("event", JSON.stringify({ at: 1 })))
      assert.deepInclude(journal.stats(), { pending: 1, dropped: 1 })
    })
  )

  it.scoped("wakes who waits as soon as there is enough", () =>
    Effect.gen(function* () {
      const journal = yield* open(yield* directory)
      const waiting = yield* Effect.fork(journal.waiting(2))
      yield* Effect.yieldNow()
      journal.appendNow("event", "1")
      yield* Effect.yieldNow()
      assert.isNull(waiting.unsafePoll())
      journal.appendNow("event", "2")
      yield* Fiber.join(waiting)
    })
  )
})

describe("the journals of a directory", () => {
  it.scoped("are known to each who is there, whoever has them", () =>
    Effect.gen(function* () {
      const path = yield* directory
      const [one, other] = [yield* open(path), yield* open(path)]
      const left = abandon(path)
      const all = [own(one).id, own(other).id, left]
      assert.sameMembers([...(yield* one.ids)], all)
      assert.sameMembers([...(yield* other.ids)], all)
      rmSync(path, { recursive: true })
      assert.match((yield* Effect.flip(one.ids)).message, /cannot be read \(ENOENT\)/)
    })
  )
})

describe("the journal in memory", () => {
  it.effect("is the same for who uses it, up to its bound", () =>
    Effect.gen(function* () {
      const journal = yield* Journal
      for (const number of numbers(1, 1_200)) journal.append("event", String(number))
      assert.deepInclude(journal.stats(), { pending: 1_000, dropped: 200, writable: false })
      yield* journal.waiting(1_000)
      assert.deepStrictEqual(yield* rest(journal), numbers(1, 1_000))
      assert.isTrue(journal.appendNow("event", "1001"))
      assert.deepInclude(journal.stats(), { pending: 1, writable: true })
    }).pipe(Effect.provide(Journal.memory(1_000)))
  )
})

describe("the journal of who has no database by choice", () => {
  it.effect("keeps nothing, and that is well", () =>
    Effect.gen(function* () {
      const journal = yield* Journal
      assert.isTrue(journal.append("event", "1"))
      assert.isTrue(journal.appendNow("event", "1"))
      assert.deepStrictEqual(journal.backlogs(), [])
      assert.deepInclude(journal.stats(), { pending: 0, dropped: 0, writable: true })
    }).pipe(Effect.provide(Journal.none))
  )
})
