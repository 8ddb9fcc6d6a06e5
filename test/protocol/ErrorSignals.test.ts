import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as ErrorSignals from "../../src/protocol/ErrorSignals.js"
import type { Headers } from "../../src/protocol/HeaderTimes.js"

const now = Date.UTC(2026, 10, 20, 12, 0, 0)

const answer = (status: number, body: unknown, headers: Headers = {}) =>
  ErrorSignals.fromAnswer({
    status,
    headers,
    body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
    now
  })

const wait = (headers: Headers, status = 429) => answer(status, "", headers).retryAfterMs

describe("the shapes of an error answer", () => {
  it("OpenAI's: code, param and words are kept", () => {
    const error = {
      message: "Invalid 'temperature'.",
      type: "invalid_request_error",
      param: "temperature",
      code: "below"
    }
    assert.deepStrictEqual(answer(400, { error }), {
      category: "invalid_request",
      message: "Invalid 'temperature'.",
      status: 400,
      code: "below",
      param: "temperature",
      retryAfterMs: undefined,
      shouldRetry: undefined
    })
  })

  it("a code that only repeats the status gives way to the type", () => {
    assert.strictEqual(
      answer(400, { error: { message: "no", type: "invalid_model", code: 400 } }).code,
      "invalid_model"
    )
    assert.isUndefined(answer(400, { error: { message: "no", code: "400" } }).code)
  })

  it("Azure's inner code is read", () => {
    const error = { code: "other", message: "refused", innererror: { code: "ResponsibleAIPolicyViolation" } }
    assert.strictEqual(answer(400, { error }).category, "content_filter")
  })

  it("OpenRouter's upstream answer inside the answer is read, and its words are shown", () => {
    const raw = JSON.stringify({ error: { message: "Too long for us.", code: "context_length_exceeded" } })
    const failure = answer(400, { error: { message: "Provider returned error", code: 400, metadata: { raw } } })
    assert.strictEqual(failure.category, "context_length")
    assert.strictEqual(failure.message, "Too long for us.")
  })

  it("xAI's: a text beside a code that is a sentence", () => {
    const failure = answer(400, { code: "Client specified an invalid argument", error: "Model is wrong" })
    assert.strictEqual(failure.message, "Model is wrong")
    assert.isUndefined(failure.code)
  })

  it("Mistral's, FastAPI's and Gemini's: words in message, detail and a list", () => {
    assert.strictEqual(
      answer(422, { object: "error", message: { detail: [{ msg: "Field required" }] } }).message,
      "Field required"
    )
    assert.strictEqual(answer(422, { detail: [{ loc: ["body"], msg: "Field required" }] }).message, "Field required")
    assert.strictEqual(
      answer(400, [{ error: { code: 400, message: "Bad role", status: "INVALID_ARGUMENT" } }]).message,
      "Bad role"
    )
  })

  it("Anthropic's spend limit behind a 429 is quota", () => {
    const error = { type: "rate_limit_error", message: "…", details: { error_code: "enforced_spend_limit_reached" } }
    assert.strictEqual(answer(429, { type: "error", error }).category, "provider_quota_exceeded")
  })

  it("Gemini's daily quota is quota, its quota of a minute a rate limit", () => {
    const of = (quotaId: string) => ({
      error: { code: 429, status: "RESOURCE_EXHAUSTED", details: [{ violations: [{ quotaId }] }] }
    })
    assert.strictEqual(answer(429, of("GenerateRequestsPerDayPerProject")).category, "provider_quota_exceeded")
    assert.strictEqual(answer(429, of("GenerateRequestsPerMinutePerProject")).category, "rate_limit")
  })

  it("an error code in a header counts after those of the body", () => {
    assert.strictEqual(answer(400, "", { "x-ms-error-code": "DeploymentNotFound" }).category, "model_not_found")
  })

  it("a parameter called model means the model", () => {
    assert.strictEqual(answer(400, { error: { message: "nope", param: "model" } }).category, "model_not_found")
  })

  it("HTML is nobody's words", () => {
    const html = "<html><title>Your key sk-abcdef is wrong</title></html>"
    assert.strictEqual(answer(400, html).message, "the provider says that the request is invalid (400)")
    assert.strictEqual(answer(404, html).category, "malformed_response")
    assert.strictEqual(answer(404, { error: { message: "The model `x` does not exist" } }).category, "model_not_found")
  })
})

describe("an error inside a success", () => {
  it("a status in the error decides, as number or as text, under any of its names", () => {
    for (const error of [{ code: 402 }, { code: "402" }, { status: 402 }, { status_code: 402 }]) {
      const failure = ErrorSignals.fromErrorValue({ error: { ...error, message: "no" } }, 200)
      assert.deepInclude(failure, { category: "provider_quota_exceeded", status: 402 })
    }
    const bare = ErrorSignals.fromErrorValue({ statusCode: 401, message: "Unauthorized" }, undefined)
    assert.strictEqual(bare?.category, "auth")
  })

  it("a text alone is an error", () => {
    assert.strictEqual(
      ErrorSignals.fromErrorValue({ error: "llama runner crashed" }, 200)?.category,
      "provider_unavailable"
    )
    assert.strictEqual(ErrorSignals.fromErrorValue({ error: "model 'x' not found" }, 200)?.category, "model_not_found")
  })

  it("an error beside choices is an error", () => {
    const chunk = { choices: [{ delta: {}, finish_reason: "error" }], error: { code: "server_error", message: "gone" } }
    assert.deepInclude(ErrorSignals.fromErrorValue(chunk, 200), {
      category: "provider_unavailable",
      code: "server_error"
    })
  })

  it("a list of errors is one, an empty list is none", () => {
    const failure = ErrorSignals.fromErrorValue({ success: false, errors: [{ code: 3036, message: "used up" }] }, 200)
    assert.deepInclude(failure, { category: "provider_quota_exceeded", code: "3036" })
    assert.isUndefined(ErrorSignals.fromErrorValue({ success: true, errors: [], result: {} }, 200))
  })

  it("a value without an error gives nothing", () => {
    for (const value of [{}, { error: null }, { error: "" }, { error: {} }, { choices: [] }, [], null, "error", 500]) {
      assert.isUndefined(ErrorSignals.fromErrorValue(value, 200))
    }
  })
})

describe("hints about waiting", () => {
  it("retry-after-ms goes before retry-after, a nonsense one does not", () => {
    assert.strictEqual(wait({ "retry-after": "2", "retry-after-ms": "150" }), 150)
    assert.strictEqual(wait({ "retry-after": "2", "x-ms-retry-after-ms": "150" }), 150)
    assert.strictEqual(wait({ "retry-after": "2", "retry-after-ms": "NaN" }), 2000)
  })

  it("retry-after is seconds, also with a fraction, or an HTTP date in any of its forms", () => {
    assert.strictEqual(wait({ "retry-after": "0.25" }), 250)
    assert.strictEqual(wait({ "retry-after": ["7", "9"] }), 7000)
    for (const date of [
      "Fri, 20 Nov 2026 12:00:30 GMT",
      "Friday, 20-Nov-26 12:00:30 GMT",
      "Fri Nov 20 12:00:30 2026"
    ]) {
      assert.strictEqual(wait({ "retry-after": date }), 30_000, date)
    }
  })

  it("is never negative, and nonsense is ignored", () => {
    assert.strictEqual(wait({ "retry-after": "-5" }), 0)
    assert.strictEqual(wait({ "retry-after": "Fri, 20 Nov 2026 11:00:00 GMT" }), 0)
    for (const nonsense of ["", " ", "soon", "Infinity", "1e9", "0x10", "Someday, maybe", "5 6"]) {
      assert.isUndefined(wait({ "retry-after": nonsense }), nonsense)
    }
  })

  it("a reset counts only on a 429, only with a unit, and only where nothing remains", () => {
    const spent = { "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0.5s" }
    assert.strictEqual(wait(spent), 360_500)
    assert.isUndefined(wait(spent, 503))
    assert.isUndefined(wait({ ...spent, "x-ratelimit-remaining-tokens": "12" }))
    assert.isUndefined(wait({ ...spent, "x-ratelimit-reset-tokens": "1741305600000" }))
    assert.strictEqual(
      wait({ ...spent, "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "12ms" }),
      360_500
    )
    const anthropic = {
      "anthropic-ratelimit-tokens-remaining": "0",
      "anthropic-ratelimit-tokens-reset": "2026-11-20T12:00:05Z"
    }
    assert.strictEqual(wait(anthropic), 5000)
    assert.strictEqual(wait({ ...anthropic, "retry-after": "3" }), 3000)
  })

  it("x-should-retry is read where it is plain", () => {
    const read = (value: string) => answer(500, "", { "x-should-retry": value }).shouldRetry
    assert.deepStrictEqual([read("true"), read("false"), read("maybe")], [true, false, undefined])
  })
})

describe("any answer", () => {
  it("has a category, a short message and a sane wait, whatever the bytes are", () => {
    const headers = FastCheck.record({ "retry-after": FastCheck.string(), "retry-after-ms": FastCheck.string() })
    const bodies = FastCheck.oneof(
      FastCheck.string(),
      FastCheck.json(),
      FastCheck.json().map((json) => `{"error":${json}}`)
    )
    FastCheck.assert(
      FastCheck.property(FastCheck.integer({ min: 300, max: 599 }), bodies, headers, (status, body, hints) => {
        const { message, retryAfterMs = 0 } = answer(status, body, hints)
        assert.isAbove(message.length, 0)
        assert.isAtMost(message.length, 500)
        assert.isAtLeast(retryAfterMs, 0)
        assert.isTrue(Number.isFinite(retryAfterMs))
      })
    )
  })

  it("is read without exhausting the stack, however deep it is", () => {
    const deep = `${'{"error":'.repeat(50_000)}1${"}".repeat(50_000)}`
    assert.strictEqual(answer(400, deep).category, "invalid_request")
  })

  it("shows its words on one line and cut", () => {
    const { message } = answer(400, { error: { message: `line\n\u0007two ${"word ".repeat(5000)}` } })
    assert.match(message, /^line two word .*…$/)
    assert.strictEqual(message.length, 500)
  })
})

describe("what it costs to read an error answer", () => {
  it("is little, also where it has none of the members that words are looked for in", () => {
    const bodies = [{ error: { code: "down" } }, { errors: [{}] }, {}, { error: { message: "down" } }]
    const read = (): void => bodies.forEach((body) => void answer(500, body))
    const times = 250
    for (let time = 0; time < times; time++) read()
    const began = process.cpuUsage()
    for (let time = 0; time < times; time++) read()
    const { system, user } = process.cpuUsage(began)
    // In us. It takes a tenth of that; with a search through members of what is not there it took several times as much.
    assert.isBelow((user + system) / (times * bodies.length), 150)
  })
})
