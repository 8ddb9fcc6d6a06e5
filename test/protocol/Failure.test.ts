import { assert, describe, it } from "@effect/vitest"
import type { ErrorCategory } from "../../src/domain/ErrorCategory.js"
import { categoryOf } from "../../src/protocol/Failure.js"

const judge = (status: number | undefined, codes: ReadonlyArray<string>, text: string): ErrorCategory =>
  categoryOf({ status, codes, text })

describe("a status alone", () => {
  const expected: Readonly<Record<ErrorCategory, ReadonlyArray<number>>> = {
    rate_limit: [429],
    auth: [401, 403, 407, 451],
    provider_unavailable: [409, 424, 425, 498, 499, 500, 501, 502, 503, 520, 529, 599],
    provider_quota_exceeded: [402],
    timeout: [408, 504, 524],
    network: [],
    model_not_found: [404, 410],
    context_length: [],
    content_filter: [],
    invalid_request: [400, 406, 411, 413, 415, 418, 422, 431],
    malformed_response: [0, 101, 204, 301, 302, 307, 405, 600]
  }
  for (const [category, statuses] of Object.entries(expected)) {
    if (statuses.length === 0) continue
    it(`${statuses.join(", ")} is ${category}`, () => {
      for (const status of statuses) assert.strictEqual(judge(status, [], "something went wrong"), category)
    })
  }
})

describe("a code or type", () => {
  const cases: ReadonlyArray<readonly [ErrorCategory, number | undefined, ReadonlyArray<string>]> = [
    ["provider_quota_exceeded", 429, ["insufficient_quota"]],
    ["provider_quota_exceeded", 429, ["credit_balance_exhausted"]],
    ["provider_quota_exceeded", 429, ["organization_spend_limit_exceeded"]],
    ["provider_quota_exceeded", 429, ["project_spend_limit_exceeded"]],
    ["provider_quota_exceeded", 429, ["organization_usage_limit_exceeded"]],
    ["provider_quota_exceeded", 429, ["billing_hard_limit_reached"]],
    ["provider_quota_exceeded", 403, ["billing_not_active"]],
    ["provider_quota_exceeded", 429, ["rate_limit_error", "enforced_spend_limit_reached"]],
    ["provider_quota_exceeded", 429, ["4006", "cloudflare:4006"]],
    ["provider_quota_exceeded", 429, ["3036", "cloudflare:3036"]],
    ["provider_quota_exceeded", 429, ["RESOURCE_EXHAUSTED", "GenerateRequestsPerDayPerProjectPerModel-FreeTier"]],
    ["provider_quota_exceeded", 429, ["exceeded_current_quota_error"]],
    ["provider_quota_exceeded", 400, ["Arrearage"]],
    ["rate_limit", 429, ["RESOURCE_EXHAUSTED", "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"]],
    ["rate_limit", 429, ["rate_limit_exceeded", "tokens"]],
    ["rate_limit", 429, ["3040", "cloudflare:3040"]],
    ["rate_limit", 413, ["rate_limit_exceeded"]], // Groq: larger than a minute's tokens
    ["rate_limit", 429, ["Throttling.RateQuota"]],
    ["context_length", 400, ["context_length_exceeded"]],
    ["context_length", 400, ["invalid_request_error", "exceed_context_size_error"]],
    ["context_length", 413, ["tokens_limit_reached"]],
    ["content_filter", 400, ["content_filter", "ResponsibleAIPolicyViolation"]],
    ["content_filter", 400, ["content_policy_violation"]],
    ["content_filter", 400, ["DataInspectionFailed"]],
    ["model_not_found", 400, ["model_not_found"]],
    ["model_not_found", 403, ["model_not_found"]], // OpenAI: the project has no access to it
    ["model_not_found", 404, ["DeploymentNotFound"]],
    ["model_not_found", 400, ["OperationNotSupported"]],
    ["model_not_found", 400, ["model_decommissioned"]],
    ["model_not_found", 400, ["invalid_model"]],
    ["auth", 403, ["unsupported_country_region_territory", "request_forbidden"]],
    ["auth", 400, ["INVALID_ARGUMENT", "API_KEY_INVALID"]],
    ["invalid_request", 400, ["invalid_request_error", "tool_use_failed"]],
    ["provider_unavailable", undefined, ["server_error"]],
    ["provider_unavailable", undefined, ["overloaded_error"]],
    ["rate_limit", undefined, ["rate_limit_error"]],
    ["auth", undefined, ["authentication_error"]],
    ["timeout", undefined, ["DEADLINE_EXCEEDED"]],
    ["model_not_found", undefined, ["not_found_error"]],
    ["invalid_request", undefined, ["invalid_request_error"]]
  ]
  for (const [category, status, codes] of cases) {
    it(`${codes.join(" + ")} in a ${status ?? "stream"} is ${category}`, () => {
      assert.strictEqual(judge(status, codes, "something went wrong"), category)
    })
  }
})

describe("the wording, where status and code leave it open", () => {
  const cases: ReadonlyArray<readonly [ErrorCategory, number | undefined, string]> = [
    ["provider_quota_exceeded", 400, "Your credit balance is too low to access the Anthropic API."],
    [
      "provider_quota_exceeded",
      400,
      "You have reached your specified API usage limits. You will regain access on 2026-12-01"
    ],
    ["provider_quota_exceeded", 429, "Insufficient balance or no resource package. Please recharge."],
    ["provider_quota_exceeded", 403, "Key limit exceeded (total limit). Manage it in the settings."],
    ["provider_quota_exceeded", 429, "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock more"],
    [
      "provider_quota_exceeded",
      403,
      "Your team has either used all available credits or reached its monthly spending limit."
    ],
    ["rate_limit", 400, "Rate limit reached for requests"],
    [
      "rate_limit",
      413,
      "Request too large for model `x` on tokens per minute (TPM): Limit 6000. Please reduce the length of the messages"
    ],
    ["rate_limit", 400, "Too many tokens, please wait before trying again."],
    ["content_filter", 400, "Output blocked by content filtering policy"],
    ["content_filter", 400, "Invalid prompt: your prompt was flagged as potentially violating our usage policy."],
    ["content_filter", 400, "Content Exists Risk"],
    ["content_filter", 403, "Content violates usage guidelines."],
    ["context_length", 400, "prompt is too long: 213462 tokens > 200000 maximum"],
    [
      "context_length",
      400,
      "This model's maximum context length is 8192 tokens. However, your messages resulted in 8227 tokens."
    ],
    ["context_length", 400, "Your input exceeds the context window of this model."],
    ["context_length", 400, "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"],
    ["context_length", 400, "the request exceeds the available context size, try increasing it"],
    ["context_length", 400, "The input (516368 tokens) is longer than the model's context length (262144 tokens)."],
    ["context_length", 400, "tokens to keep from the initial prompt is greater than the context length"],
    ["context_length", 400, "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575)."],
    ["context_length", 400, "Input tokens exceed the configured limit of 272000 tokens."],
    ["context_length", 400, "This model's maximum prompt length is 131072 but the request contains 537812 tokens."],
    ["context_length", 400, "Please reduce the length of the messages or completion."],
    ["context_length", 400, "Your request exceeded model token limit: 256000 (requested: 300000)"],
    ["context_length", 400, "Prompt contains 200000 tokens, too large for model with 131072 maximum context length"],
    ["context_length", 422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000"],
    ["context_length", 400, "Range of input length should be [1, 30720]"],
    ["context_length", 413, "exceeded this model context window limit (262144)"],
    ["context_length", undefined, "prompt too long; exceeded max context length by 100918 tokens"],
    ["model_not_found", 400, "Model Not Exist"],
    ["model_not_found", 400, "openai/nope is not a valid model ID"],
    ["model_not_found", 400, "Invalid model 'sonar-x'. Permitted models can be found in the documentation."],
    ["model_not_found", 400, "The model `llama3-70b-8192` has been decommissioned and is no longer supported."],
    ["model_not_found", 400, "The requested model 'x/y' is not supported by any provider you have enabled."],
    ["model_not_found", 403, "AiError: Model @cf/moonshotai/kimi-k2.7-code is not available on the Workers AI plan"],
    ["model_not_found", 404, "No endpoints found that support tool use."],
    ["model_not_found", 404, "Resource not found"], // Azure: a deployment, or else the path
    ["auth", 400, "Incorrect API key provided: xa***. You can obtain an API key from the console."],
    ["auth", 400, "API key not valid. Please pass a valid API key."],
    ["auth", 400, "User location is not supported for the API use."],
    [
      "invalid_request",
      400,
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    ],
    ["invalid_request", 400, "max_tokens is too large: 100000. This model supports at most 16384 completion tokens."],
    ["malformed_response", 404, "404 page not found"],
    ["malformed_response", 404, "Invalid URL (POST /v1/chat/chat/completions)"],
    ["malformed_response", 404, "Not Found"],
    ["malformed_response", 404, ""]
  ]
  for (const [category, status, text] of cases) {
    it(`is ${category} (${status ?? "stream"}): ${text || "an empty body"}`, () => {
      assert.strictEqual(judge(status, [], text), category)
    })
  }
})

describe("evidence in conflict", () => {
  it("a 5xx wins over whatever the body says", () => {
    assert.strictEqual(judge(500, ["context_length_exceeded"], "maximum context length"), "provider_unavailable")
    assert.strictEqual(judge(503, ["insufficient_quota"], "credit balance"), "provider_unavailable")
  })

  it("a code wins over the wording", () => {
    assert.strictEqual(judge(429, ["rate_limit_exceeded"], "add more credits for higher limits"), "rate_limit")
  })

  it("the wording wins over a code that vendors use for several things", () => {
    assert.strictEqual(judge(400, ["invalid_request_error"], "prompt is too long"), "context_length")
    assert.strictEqual(
      judge(429, ["RESOURCE_EXHAUSTED"], "Your prepayment credits are depleted."),
      "provider_quota_exceeded"
    )
  })

  it("quota goes before rate limit", () => {
    assert.strictEqual(judge(429, ["rate_limit_error", "insufficient_quota"], ""), "provider_quota_exceeded")
  })

  it("a 404 never becomes the caller's fault", () => {
    assert.strictEqual(judge(404, ["invalid_request_error"], "prompt is too long"), "model_not_found")
  })
})
