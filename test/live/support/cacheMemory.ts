import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import * as Json from "../../../src/protocol/Json.js"
import { chat, get, serve, type Serving } from "./gateway.js"
import * as Provider from "./provider.js"

const maxBytes = 32 * 2 ** 20
const callers = 8

/** What may be held besides, and grow by the way: the heap takes its time, in MiB. */
const slack = 100

const config = (provider: Provider.Provider): string =>
  JSON.stringify({
    instances: [{ id: "a", provider: "openai-compatible", baseUrl: provider.url, apiKey: "sk-test" }],
    models: [{ id: "gpt-4o-mini", targets: [{ instance: "a", model: "m" }] }],
    health: { checkOnStart: false },
    cache: { enabled: true, maxEntries: 1_000_000, maxBytes, maxEntryBytes: "2MiB", coalesce: true },
    log: { level: "error", format: "json" }
  })

/** Answers of 50 to 800 KB, no two of them alike; every second one can hardly be compressed. */
const large = (): Provider.Behaviour => {
  let made = 0
  return ({ response, stream }) => {
    const n = made++
    const size = 50_000 + ((n * 7_919) % 750_000)
    const content = n % 2 === 0 ? `answer ${n} `.repeat(size / 10) : randomBytes(size / 2).toString("hex")
    const shared = { id: "x", created: 1, model: "m" }
    if (!stream) {
      const choices = [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }]
      response.writeHead(200, { "content-type": "application/json" })
      response.end(JSON.stringify({ ...shared, object: "chat.completion", choices }))
      return
    }
    const frame = (delta: object, finish_reason: string | null): string =>
      `data: ${JSON.stringify({ ...shared, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason }] })}\n\n`
    response.writeHead(200, { "content-type": "text/event-stream" })
    for (let at = 0; at < content.length; at += 1_000)
      response.write(frame({ content: content.slice(at, at + 1_000) }, null))
    response.end(`${frame({}, "stop")}data: [DONE]\n\n`)
  }
}

/** Resident memory of a process, in MiB. */
const residentOf = ({ pid }: Serving): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024

/** A gateway whose cache is given more than it may hold, again and again. */
export const prove = (minutes: number) =>
  describe.skipIf(process.platform !== "linux")("a cache under large answers", () => {
    it.scopedLive(`stays within its bytes for ${minutes} minutes, and what the process holds does not grow`, () =>
      Effect.gen(function* () {
        const provider = yield* Provider.make(large())
        const gateway = yield* serve({ files: { "orelse.yaml": config(provider) } }, ["--config", "orelse.yaml"])
        const stats = Effect.map(get(`${gateway.url}/admin/cache/stats`), ({ text }) =>
          Json.record(Json.parsedForReading(text))
        )
        const began = performance.now()
        const length = minutes * 60_000
        const going = (): boolean => performance.now() - began < length
        let seed = 0
        const caller = Effect.gen(function* () {
          while (going()) {
            const mine = seed++
            // Now and then what was asked before, which may be kept.
            const asked = mine % 10 === 9 ? mine - 1 : mine
            const { status } = yield* chat(gateway.url, { temperature: 0, seed: asked, stream: asked % 3 === 0 })
            assert.strictEqual(status, 200)
          }
        })
        /** The most that was held in each fifth of the time. */
        const held = [0, 0, 0, 0, 0]
        const watcher = Effect.gen(function* () {
          while (going()) {
            const { bytes } = yield* stats
            assert.isAtMost(Number(bytes), maxBytes)
            const fifth = Math.min(4, Math.floor(((performance.now() - began) / length) * 5))
            held[fifth] = Math.max(held[fifth] ?? 0, residentOf(gateway))
            yield* Effect.sleep("200 millis")
          }
        })
        yield* Effect.all([watcher, ...Array.from({ length: callers }, () => caller)], {
          concurrency: "unbounded",
          discard: true
        })
        const { evictions, hits } = yield* stats
        assert.isAbove(Number(evictions), 100)
        assert.isAbove(Number(hits), 10)
        const [, second = 0, , , last = 0] = held
        assert.isBelow(last, second + slack, `MiB held, at most, in each fifth: ${held.map(Math.round).join(", ")}`)
      })
    )
  })
