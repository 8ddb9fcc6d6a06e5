import { assert, describe, it } from "@effect/vitest"
import type { ErrorCategory } from "../../src/domain/ErrorCategory.js"
import * as ProviderError from "../../src/domain/ProviderError.js"
import * as Blame from "../../src/health/Blame.js"

const shared = { provider: "openai", instance: "a", model: "m", message: "no" }

const blame = (category: ErrorCategory, more: object = {}) =>
  Blame.of(ProviderError.make(category, { ...shared, ...more }))

describe("a failure is blamed", () => {
  it("on the key where the key is refused or its quota is spent", () => {
    assert.deepStrictEqual(blame("auth"), { _tag: "Trip", scope: "key", forMs: undefined })
    assert.deepStrictEqual(blame("provider_quota_exceeded"), { _tag: "Trip", scope: "key", forMs: 3_600_000 })
    assert.deepStrictEqual(blame("provider_quota_exceeded", { retryAfterMs: 5 }), {
      _tag: "Trip",
      scope: "key",
      forMs: 5
    })
  })

  it("on the model where the key is good and only not allowed it", () => {
    assert.deepStrictEqual(blame("auth", { status: 403 }), { _tag: "Failure", scope: "model" })
  })

  it("for a day at most where a quota's reset is further off", () => {
    assert.deepInclude(blame("provider_quota_exceeded", { retryAfterMs: 1e15 }), { forMs: 86_400_000 })
  })

  it("on nobody for a 429, which only asks to wait", () => {
    assert.deepStrictEqual(blame("rate_limit", { retryAfterMs: 7_000 }), { _tag: "Wait", scope: "model", forMs: 7_000 })
    assert.deepStrictEqual(blame("rate_limit"), { _tag: "Wait", scope: "model", forMs: 1_000 })
  })

  it("on the instance where it cannot be reached or serves nobody", () => {
    for (const category of ["network", "provider_unavailable"] as const) {
      assert.deepStrictEqual(blame(category), { _tag: "Failure", scope: "instance" })
    }
  })

  it("on its model where that is missing, slow or broken", () => {
    for (const category of ["model_not_found", "malformed_response", "timeout"] as const) {
      assert.deepStrictEqual(blame(category), { _tag: "Failure", scope: "model" })
    }
  })

  it("on nobody where it is the caller's mistake or the caller's time that was up", () => {
    for (const category of ["context_length", "content_filter", "invalid_request"] as const) {
      assert.isUndefined(blame(category))
    }
    for (const phase of ["share", "deadline"] as const) {
      assert.isUndefined(Blame.of(new ProviderError.ProviderTimeout({ ...shared, phase })))
    }
  })

  it("by its phase where a limit of time passed", () => {
    const scopes = (["connect", "first_token", "idle", "total"] as const).map(
      (phase) => Blame.of(new ProviderError.ProviderTimeout({ ...shared, phase }))?.scope
    )
    assert.deepStrictEqual(scopes, ["instance", "model", "model", "model"])
  })
})
