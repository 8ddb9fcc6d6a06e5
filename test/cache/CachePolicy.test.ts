import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as CachePolicy from "../../src/cache/CachePolicy.js"
import type { ChatRequest } from "../../src/domain/ChatRequest.js"
import type { FrontDialect } from "../../src/domain/Dialect.js"
import { fronts } from "../../src/protocol/Fronts.js"

const asked = (fields: object = {}, dialect: FrontDialect = "openai-chat"): ChatRequest => {
  const json = { model: "m", messages: [], input: "x", prompt: "x", max_tokens: 9, ...fields }
  return Either.getOrThrow(fronts[dialect].decodeRequest(Buffer.from(JSON.stringify(json)), json))
}

describe("the policy temperature-zero", () => {
  it("covers what says temperature 0 itself, in every dialect, and embeddings", () => {
    const covers = (fields: object, dialect?: FrontDialect) =>
      CachePolicy.covers("temperature-zero", asked(fields, dialect))
    for (const dialect of ["openai-chat", "openai-completions", "anthropic-messages"] as const) {
      assert.isTrue(covers({ temperature: 0 }, dialect), dialect)
      for (const temperature of [undefined, null, 0.01, 1]) assert.isFalse(covers({ temperature }, dialect), dialect)
    }
    assert.isTrue(covers({}, "openai-embeddings"))
  })
})

describe("every policy", () => {
  it("leaves out counting tokens, and what the provider is to store", () => {
    for (const policy of ["all", "temperature-zero"] as const) {
      assert.isFalse(CachePolicy.covers(policy, asked({ temperature: 0 }, "anthropic-count-tokens")))
      assert.isFalse(CachePolicy.covers(policy, asked({ temperature: 0, store: true })))
    }
    assert.isTrue(CachePolicy.covers("all", asked({ store: false })))
  })
})
