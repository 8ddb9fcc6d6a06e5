import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { CatchRule, ErrorCategory, catches } from "../../src/domain/ErrorCategory.js"
import * as ProviderErrors from "../../src/domain/ProviderError.js"

const fields = { provider: "openai", instance: "primary", model: "gpt-4o", message: "it failed", status: 500 }

describe("the error of a category", () => {
  for (const category of ErrorCategory.literals) {
    it(`${category} has that category and keeps what is known`, () => {
      const error = ProviderErrors.make(category, { ...fields, retryAfterMs: 5 })
      assert.isTrue(Schema.is(ProviderErrors.ProviderError)(error))
      assert.deepInclude(error, { ...fields, category, retryAfterMs: 5 })
    })
  }

  it("is another one for each", () => {
    const tags = ErrorCategory.literals.map((category) => ProviderErrors.make(category, fields)._tag)
    assert.strictEqual(new Set(tags).size, ErrorCategory.literals.length)
  })

  it("counts a time-out that the provider itself reports as its total time", () => {
    assert.deepInclude(ProviderErrors.make("timeout", fields), { _tag: "ProviderTimeout", phase: "total" })
  })
})

describe("a fallback opens", () => {
  const own: ReadonlySet<ErrorCategory> = new Set(["invalid_request", "content_filter"])

  for (const category of ErrorCategory.literals) {
    it(`${own.has(category) ? "not " : ""}after ${category} when it says nothing`, () => {
      assert.strictEqual(catches(undefined, category), !own.has(category))
    })

    it(`after ${category} when it says so, or "all", and not when its list holds only others`, () => {
      const others = CatchRule.literals.filter((rule) => rule !== category && rule !== "all")
      assert.deepStrictEqual(
        [catches([category], category), catches(["all"], category), catches(others, category), catches([], category)],
        [true, true, false, false]
      )
    })
  }
})
