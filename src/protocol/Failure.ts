import { ErrorCategory } from "../domain/ErrorCategory.js"

/** What a provider's failed answer means. The fields are those of `ProviderError`. */
export interface Failure {
  readonly category: ErrorCategory
  /**
   * Safe to show to a caller: the provider's own words, without credentials and cut, where they are about the request;
   * a sentence of ours where they are about the gateway's account or the provider's health.
   */
  readonly message: string
  /** The answer's HTTP status, or the one that an error inside a 200 names. */
  readonly status?: number | undefined
  /** The vendor's own code, or else its type. */
  readonly code?: string | undefined
  /** The field of the request that the provider objected to. */
  readonly param?: string | undefined
  /** How long the provider asked to be left alone, in ms. */
  readonly retryAfterMs?: number | undefined
  /** `x-should-retry`. */
  readonly shouldRetry?: boolean | undefined
}

/** What tells the category of a failed answer. */
export interface Evidence {
  /** `undefined` for an error that names none, in a 200 body or a stream. */
  readonly status: number | undefined
  /** Codes and types, the most specific first. */
  readonly codes: ReadonlyArray<string>
  /** All that the provider said, for finding phrases. */
  readonly text: string
}

/** Judged by the tables below, in the order in which evidence counts: status, code and type, wording, a vague code. */
export const categoryOf = ({ codes, status, text }: Evidence): ErrorCategory => {
  const rule = ruleOf(status)
  const normal = codes.map(normalise)
  return (
    find(codeTable, rule.unless, normal) ??
    find(phraseTable, rule.unless, [text]) ??
    find(vagueCodeTable, rule.unless, normal) ??
    rule.category
  )
}

// ---------------------------------------------------------------------------------------------- status

/** What a status says by itself, and which categories a code or wording may turn it into. */
interface StatusRule {
  readonly category: ErrorCategory
  readonly unless: ReadonlyArray<ErrorCategory>
}

/** A 5xx is final: a provider in trouble says all sorts of things. */
const ruleOf = (status: number | undefined): StatusRule => {
  if (status === undefined) return withoutStatus
  const rule = statusTable[status]
  if (rule !== undefined) return rule
  if (status >= 400 && status < 500) return badRequest
  return final(status >= 500 && status < 600 ? "provider_unavailable" : "malformed_response")
}

const final = (category: ErrorCategory): StatusRule => ({ category, unless: [] })

const withoutStatus: StatusRule = {
  category: "provider_unavailable",
  unless: ErrorCategory.literals.filter((category) => category !== "malformed_response")
}

const badRequest: StatusRule = {
  category: "invalid_request",
  unless: ["provider_quota_exceeded", "rate_limit", "content_filter", "context_length", "model_not_found", "auth"]
}

/**
 * A chat route has nothing but its model to be missing, so a 404 is the model; unless the answer is not an API's (HTML,
 * empty) or speaks of the path: then the base URL is wrong, which is the instance's fault and not the model's.
 */
const notFound: StatusRule = { category: "model_not_found", unless: ["model_not_found", "malformed_response"] }

const statusTable: Readonly<Record<number, StatusRule>> = {
  401: { category: "auth", unless: ["provider_quota_exceeded", "auth"] },
  402: final("provider_quota_exceeded"),
  403: { ...badRequest, category: "auth" },
  404: notFound,
  405: final("malformed_response"), // a POST is right everywhere: the path is not
  407: final("auth"),
  408: final("timeout"),
  409: final("provider_unavailable"),
  410: notFound,
  413: { category: "invalid_request", unless: ["provider_quota_exceeded", "rate_limit", "context_length"] },
  424: final("provider_unavailable"), // TGI: the generation failed
  425: final("provider_unavailable"),
  429: { category: "rate_limit", unless: ["provider_quota_exceeded", "rate_limit"] },
  451: final("auth"), // not in this country
  498: final("provider_unavailable"), // Groq: the flex tier is full
  499: final("provider_unavailable"), // Google: CANCELLED
  504: final("timeout"),
  524: final("timeout") // Cloudflare: the origin took too long
}

// ---------------------------------------------------------------------------------------------- code and type

type Table = ReadonlyArray<readonly [ErrorCategory, ReadonlyArray<RegExp>]>

const find = (table: Table, allowed: ReadonlyArray<ErrorCategory>, subjects: ReadonlyArray<string>) =>
  table.find(
    ([category, patterns]) =>
      allowed.includes(category) && patterns.some((pattern) => subjects.some((subject) => pattern.test(subject)))
  )?.[0]

const normalise = (code: string): string => code.toLowerCase().replace(/[^a-z0-9*]/g, "")

/** Names are compared without case and punctuation; `*` is anything. */
const names = (text: string): ReadonlyArray<RegExp> => [
  new RegExp(`^(?:${text.trim().split(/\s+/).map(normalise).join("|").replaceAll("*", ".*")})$`)
]

/** `cloudflare:` are the numbers of Workers AI; `PerDay` and `PerMinute` are in the quotaId of Google's QuotaFailure. */
const codeTable: Table = [
  [
    "provider_quota_exceeded",
    names(`insufficient_quota credit_balance_exhausted *_spend_limit_exceeded enforced_spend_limit_reached
      organization_usage_limit_exceeded billing_hard_limit_reached billing_not_active billing_error payment_required
      exceeded_current_quota_error insufficient_balance insufficient_credit* blocked_api_access Arrearage
      AllocationQuota.FreeTierOnly cloudflare:4006 cloudflare:3036 *PerDay*`)
  ],
  [
    "content_filter",
    names(`content_filter content_filtered content_policy_violation ResponsibleAIPolicyViolation moderation_blocked
      data_inspection_failed safety_check_failed cloudflare:2016 cloudflare:2017`)
  ],
  [
    "context_length",
    names(`context_length_exceeded context_window_exceeded model_context_window_exceeded prompt_too_long
      exceed_context_size_error tokens_limit_reached cloudflare:5021`)
  ],
  [
    "model_not_found",
    names(`model_not_found DeploymentNotFound model_not_available model_not_supported invalid_model unknown_model
      unsupported_model model_decommissioned model_deprecated ServiceModelDeprecat* model_terms_required
      model_permission_blocked* OperationNotSupported RepoNotFound GatedRepo
      cloudflare:5007 cloudflare:3042 cloudflare:5016 cloudflare:5018 cloudflare:3041`)
  ],
  [
    "auth",
    names(`invalid_api_key incorrect_api_key* wrong_api_key missing_api_key API_KEY_INVALID authentication_error
      invalid_authentication* unauthenticated unauthorized account_deactivated organization_restricted
      unsupported_country_region_territory SERVICE_DISABLED cloudflare:3023`)
  ],
  ["rate_limit", names("rate_limit* too_many_requests requests tokens throttling* *_capacity_exceeded *PerMinute*")],
  ["timeout", names("timeout timeout_error request_timeout gateway_timeout deadline_exceeded")],
  [
    "provider_unavailable",
    names(`server_error api_error internal internal_error internal_server_error unavailable service_unavailable*
      overloaded overloaded_error engine_overloaded* slow_down bad_gateway`)
  ]
]

/** Vendors use these for several things, so the wording goes before them. */
const vagueCodeTable: Table = [
  ["auth", names("permission_error permission_denied access_denied forbidden request_forbidden")],
  ["rate_limit", names("RESOURCE_EXHAUSTED")],
  ["model_not_found", names("not_found not_found_error")],
  ["invalid_request", names("invalid_request_error INVALID_ARGUMENT bad_request* validation_error")]
]

// ---------------------------------------------------------------------------------------------- wording

/** Quota goes before rate limit, and rate limit before context length: "too many tokens" can be either. */
const phraseTable: Table = [
  ["malformed_response", [/^$|^not found\.?$|page not found|invalid url|(?:route|path|endpoint) not found/i]],
  [
    "provider_quota_exceeded",
    [
      /credit balance|out of credits|more credits|credits are depleted|used all available credits/i,
      /insufficient[ _](?:balance|credits?|funds|quota)|exceeded your (?:current quota|monthly included credits)/i,
      /spend(?:ing)? (?:limit|cap)|api usage limits|billing hard limit|requires billing to be enabled/i,
      /account is not active|account is in good standing|key limit exceeded/i, // OpenAI, Alibaba, OpenRouter
      /daily free allocation|free-models-per-day/i // Workers AI, OpenRouter
    ]
  ],
  [
    "rate_limit",
    [
      /rate[ _-]?limit (?:reached|exceeded)|exceed\w* (?:\S+ ){0,3}rate[ _-]?limit|too many requests|throttl(?:ed|ing)/i,
      /(?:tokens|requests) per (?:min|minute|second|day)\b|too many tokens, please wait/i
    ]
  ],
  [
    "content_filter",
    [
      /content (?:management|usage|moderation|filter\w*) polic|content[ _]policy|usage (?:policy|policies|guidelines)/i,
      /input was flagged|was flagged as|blocked by content filter|prompt blocked due to/i,
      /content exists risk|unsafe or sensitive content/i, // DeepSeek, Z.ai
      /inappropriate content|considered high risk/i // Qwen, Kimi
    ]
  ],
  [
    "context_length",
    [
      /prompt (?:is )?too long|input is too long/i, // Anthropic, Ollama; Bedrock
      /max(?:imum)? context length|context[ _]length[ _]exceeded/i, // OpenAI, OpenRouter, vLLM, Mistral, DeepSeek
      /exceed(?:s|ed)? (?:\S+ ){0,4}context (?:window|length|size|limit)/i, // OpenAI, llama.cpp, Workers AI, Bedrock
      /(?:longer|greater) than the (?:model's )?context length/i, // Together, LM Studio
      /context window exceeds|exceeded model token limit|prompt exceeds max/i, // MiniMax, Kimi, Z.ai
      /(?:input|prompt) (?:token count|length|tokens)\b.{0,40} exceeds? /i, // Gemini, Azure, Copilot
      /maximum prompt length is|reduce the length of (?:the|your) (?:messages|prompt|input)/i, // xAI; Groq, Cerebras
      /`inputs` tokens \+ `max_new_tokens` must be|too many (?:input )?tokens/i, // TGI; Cohere
      /range of input length should be/i // Qwen
    ]
  ],
  [
    "model_not_found",
    [
      /\bmodel:? [`'"]?[\w@./:-]*[`'"]?,? ?(?:does )?not (?:exist|found)/i, // OpenAI, Ollama, DeepSeek, Fireworks
      /\bmodel [`'"]?[\w@./:-]+[`'"]? (?:is|was|has been) (?:not (?:supported|available)|no longer|deprecated)/i,
      /\bmodel [`'"]?[\w@./:-]+[`'"]? (?:is|was|has been) (?:decommissioned|removed|retired)/i,
      /no such model|(?:invalid|unknown) model\b|not a valid model|not a chat model|unable to access model/i,
      /no endpoints found|no allowed providers/i // OpenRouter
    ]
  ],
  [
    "auth",
    [
      /(?:incorrect|invalid|expired|missing) api[ _-]?key|api[ _-]?key (?:is )?(?:not valid|invalid|expired|missing)/i,
      /location is not supported|not available in your (?:country|region)|unsupported countr/i
    ]
  ],
  ["timeout", [/timed out|timeout|deadline exceeded/i]]
]
