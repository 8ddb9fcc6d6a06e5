import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { RequestLog, type RequestRow } from "../../src/store/RequestLog.js"

const row = (id: string, status = 200): RequestRow => ({
  id,
  timestamp: "2026-01-31T12:00:00.000Z",
  tenant: "default",
  user: null,
  path: "/v1/chat/completions",
  status,
  ms: 1,
  model: "m",
  instance: null,
  provider: null,
  provider_model_id: null,
  stream: false,
  fallback: false,
  failure: null,
  input_tokens: null,
  output_tokens: null,
  cost_usd: null,
  attempts: []
})

const log = <A>(body: (log: RequestLog["Type"]) => Effect.Effect<A>) =>
  Effect.provide(Effect.flatMap(RequestLog, body), RequestLog.memory)

describe("requests in memory", () => {
  it.effect("are the latest thousand", () =>
    log(({ find, write }) =>
      Effect.gen(function* () {
        for (let at = 0; at <= 1_000; at++) write(row(`r-${at}`))
        const found = yield* Effect.forEach(["r-0", "r-1", "r-1000", "other"], find)
        assert.deepStrictEqual(found.map(Option.isSome), [false, true, true, false])
      })
    )
  )

  it.effect("are never replaced by another one of the same id", () =>
    log(({ find, write }) =>
      Effect.gen(function* () {
        write(row("same", 200))
        write(row("same", 500))
        assert.deepStrictEqual(yield* find("same"), Option.some(row("same", 200)))
      })
    )
  )
})
