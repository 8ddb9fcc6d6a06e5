import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { readdirSync, readFileSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { chat, isWell, serve } from "./gateway.js"
import { embedded } from "./kills.js"
import * as Postgres from "./postgres.js"
import * as Priced from "./priced.js"
import * as Provider from "./provider.js"
import type { Ask } from "./remembered.js"

/** Callers that hang up together. */
const wave = 10

/** What is kept for each of them, in tokens and in USD. */
const maxTokens = 10_000
const reserved = 1

/** How soon all is over behind a hang-up, in ms. */
const soon = 1_000

/** What a stream takes, in ms, and about how many bytes its answer has. */
const takes = 800
const bytes = 8_000

/** So many callers that are gone in the middle of a stream, on either database. */
export const prove = (hangups: number): void => {
  describe.skipIf(!Postgres.hasPostgres)("a gateway on Postgres", () => {
    test(
      hangups,
      Effect.map(Postgres.server, ({ ask, url }) => ({ url, ask: () => ask }))
    )
  })
  describe("a gateway on its embedded database", () => {
    test(hangups, Effect.succeed({ url: "", ask: embedded }))
  })
}

const test = (
  hangups: number,
  store: Effect.Effect<{ readonly url: string; readonly ask: (dataDir: string) => Ask }, never, Scope.Scope>
): void => {
  it.scopedLive(
    `whose callers hang up ${hangups} times anywhere in a stream has a row of each and nothing reserved, within a second`,
    () =>
      Effect.gen(function* () {
        /** When the provider lost its caller, in ms of `performance.now()`. */
        const left = new Map<string, number>()
        const provider = yield* Provider.make((call) => {
          const [, mark = ""] = /"user"\s*:\s*"(\d+)"/.exec(call.body) ?? []
          call.response.on("close", () => left.set(mark, performance.now()))
          Provider.billsAfter(takes, Priced.tokens)(call)
        })
        // One wave can be paid, and the next one only when nothing is kept for any of the one before. All that is said costs less.
        const limit = wave * reserved + 0.95
        const config = Priced.config([Priced.instance("a", provider)], [{ scope: "global", monthly: limit }], {
          circuitBreaker: { failureThreshold: 1_000 }
        })
        const { ask, url } = yield* store
        const gateway = yield* serve(
          { files: { "orelse.yaml": config }, env: { DATABASE_URL: url, ORELSE_DATA_DIR: "data" } },
          ["--config", "orelse.yaml"]
        )
        yield* isWell(gateway)
        // It has said what the budget is, and how a stream is told.
        assert.strictEqual((yield* chat(gateway.url, { model: "a", max_tokens: maxTokens })).status, 200)

        const all: Array<HungUp> = []
        for (let first = 0; first < hangups; first += wave) {
          const gone = yield* Effect.promise(() =>
            Promise.all(Array.from({ length: wave }, (_, at) => hangUp(gateway.url, String(first + at))))
          )
          all.push(...gone)
          const last = Math.max(...gone.map(({ at }) => at))
          const found = yield* Effect.promise(async () => {
            while (true) {
              const rows = closed(join(gateway.directory, "data"))
              const missing = gone.filter(({ mark }) => !rows.has(mark) || !left.has(mark))
              if (missing.length === 0 || performance.now() > last + 20 * soon)
                return { missing, at: performance.now() }
              await new Promise((resolve) => setTimeout(resolve, 10))
            }
          })
          assert.deepStrictEqual(found.missing, [], "hang-ups without a row or with a provider's socket")
          assert.isBelow(found.at - last, soon, "ms until the last row")
          for (const { at, mark } of gone)
            assert.isBelow((left.get(mark) ?? 0) - at, soon, "ms until its provider knew")
        }
        const refused = all.filter(({ status }) => status !== 200 && status !== 0)
        assert.deepStrictEqual(refused, [], "a reservation was left behind")

        yield* gateway.signal("SIGTERM")
        assert.strictEqual((yield* gateway.ended).code, 0)
        const rows = yield* ask(join(gateway.directory, "data"))(`
          SELECT request_id AS mark, outcome, usage_source AS source, output_tokens::int AS tokens, cost_usd::float AS cost
            FROM ledger_entries WHERE stream`)
        assert.strictEqual(rows.length, hangups)
        const byMark = new Map(rows.map((row) => [row["mark"], row]))
        for (const { characters, mark } of all) {
          const { cost, outcome, source, tokens } = byMark.get(mark) ?? {}
          assert.strictEqual(outcome, "cancelled", mark)
          assert.include(["estimated", "reported"], source, mark)
          // No less than the caller has seen.
          assert.isAtLeast(Number(tokens), Math.floor(characters / 4), mark)
          if (characters > 0) assert.isAbove(Number(cost), 0, mark)
        }
        assert.deepStrictEqual(yield* ask(join(gateway.directory, "data"))("SELECT * FROM budget_leases"), [])
      }),
    { timeout: 90_000 + 1_500 * hangups }
  )
}

/** A caller that has hung up. */
interface HungUp {
  readonly mark: string
  /** In ms of `performance.now()`. */
  readonly at: number
  /** 0: it was gone before. */
  readonly status: number
  /** Of the model's words, as far as they had come. */
  readonly characters: number
}

/** Asks for a stream on a socket, and destroys that at some byte of the answer, the first one or any other. */
const hangUp = (url: string, mark: string): Promise<HungUp> =>
  new Promise((resolve, reject) => {
    const body = JSON.stringify({
      model: "a",
      stream: true,
      max_tokens: maxTokens,
      user: mark,
      messages: [{ role: "user", content: "Well?" }]
    })
    const position = 1 + Math.floor(Math.random() * bytes)
    let heard = ""
    const socket = connect(Number(new URL(url).port), "127.0.0.1")
    socket.setEncoding("latin1")
    socket.on("error", reject)
    socket.on("data", (piece) => {
      heard += piece
      if (heard.length < position) return
      socket.destroy()
      const words = [...heard.slice(0, position).matchAll(/"content":"([^"]*)"/g)].map(([, said = ""]) => said)
      resolve({
        mark,
        at: performance.now(),
        status: Number(/^HTTP\/1\.1 (\d+)/.exec(heard)?.[1] ?? 0),
        characters: words.join("").length
      })
    })
    socket.on("close", () => reject(new Error(`the answer to ${mark} has ended before byte ${position}: ${heard}`)))
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nx-request-id: ${mark}\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
    )
  })

/** The requests whose rows are closed in the journal: that is as safe as the table is, and there sooner. */
const closed = (dataDir: string): ReadonlySet<string> => {
  const directory = join(dataDir, "journal")
  const files = readdirSync(directory).filter((name) => name.endsWith(".ndjson"))
  const lines = files.flatMap((name) => readFileSync(join(directory, name), "utf8").split("\n"))
  return new Set(
    lines.flatMap((line) => {
      const [, mark] = line.startsWith('["entry",') ? (/"request_id":"([^"]+)"/.exec(line) ?? []) : []
      return mark === undefined ? [] : [mark]
    })
  )
}
