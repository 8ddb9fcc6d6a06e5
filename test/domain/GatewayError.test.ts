import { assert, describe, it } from "@effect/vitest"
import type { Attempt } from "../../src/domain/Attempt.js"
import * as GatewayErrors from "../../src/domain/GatewayError.js"
import * as ProviderErrors from "../../src/domain/ProviderError.js"

const attempt = (instance: string, category: Attempt["category"]): Attempt => ({
  instance,
  provider: "openai",
  model: "gpt-4o",
  startedAt: 0,
  ms: 1,
  outcome: category === undefined ? "cancelled" : "failure",
  category,
  status: undefined,
  message: undefined,
  usage: undefined,
  cost: undefined
})

const attempts = [attempt("a", "rate_limit"), attempt("a", "timeout"), attempt("b", "auth"), attempt("c", undefined)]
const failed = ProviderErrors.make("auth", { provider: "openai", instance: "a", model: "m", message: "no key" })

describe("an error that ends a request", () => {
  const cases: ReadonlyArray<readonly [GatewayErrors.GatewayError, string, number]> = [
    [new GatewayErrors.RequestRejected({ message: "no" }), "no", 0],
    [new GatewayErrors.ModelNotServed({ model: "gpt-9" }), "no provider is configured for the model 'gpt-9'", 0],
    [new GatewayErrors.ProviderFailed({ error: failed, attempts: attempts.slice(0, 1) }), "no key", 1],
    [
      new GatewayErrors.FallbackExhausted({ attempts, retryable: true }),
      "every candidate failed (a: rate_limit, a: timeout, b: auth, c: cancelled)",
      4
    ],
    [
      new GatewayErrors.DeadlineExceeded({ attempts, deadlineMs: 30_000 }),
      "no provider answered within the deadline of 30000 ms",
      4
    ]
  ]
  for (const [error, message, calls] of cases) {
    it(`${error._tag} says what happened and which calls were made`, () => {
      assert.strictEqual(error.message, message)
      assert.lengthOf(GatewayErrors.attemptsOf(error), calls)
    })
  }
})
