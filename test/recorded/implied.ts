import type { ErrorCategory } from "../../src/domain/ErrorCategory.js"

/** What the index says of a recorded answer; `special` are the words for what is in it. */
export interface Entry {
  readonly file: string
  readonly provider: string
  readonly dialect: string
  readonly status: number
  readonly streaming: boolean
  readonly special: ReadonlyArray<string>
  readonly headers: Readonly<Record<string, string>>
}

/**
 * The category of failure that an entry implies, from its status and the words of its name and `special`: never from the
 * body, which is what the gateway itself goes by. `undefined`: a good answer.
 */
export const implied = ({ file, special, status }: Entry): ErrorCategory | undefined => {
  if (status < 300 && !special.some((word) => failing.test(word))) return undefined
  const words = [file, ...special].join(" ")
  return rules.find(({ about, of }) => of(status) && about.test(words))?.category
}

interface Rule {
  readonly category: ErrorCategory
  readonly of: (status: number) => boolean
  readonly about: RegExp
}

/** Words for an error where the status shows none. */
const failing = /^(?:error_|finish:error$|truncated$|spliced_message_start$)/

const is =
  (...statuses: ReadonlyArray<number>) =>
  (status: number): boolean =>
    statuses.includes(status)

/** The provider takes no blame: the words decide. */
const open = (status: number): boolean => status < 300 || is(400, 403, 404, 413, 422, 429)(status)

const rule = (category: ErrorCategory, of: Rule["of"], about: RegExp = /^/): Rule => ({ category, of, about })

/** The first one that fits; wording goes before the status where the status leaves room for it. */
const rules: ReadonlyArray<Rule> = [
  rule("provider_quota_exceeded", is(402)),
  rule("provider_quota_exceeded", open, /insufficient.quota|quota_not_rate|daily-(?:allocation|limit)|credit|billing/),
  rule("content_filter", open, /content.filter|moderation|jailbreak|content.policy/),
  rule("context_length", open, /context.(?:length|window)|too.long|too.many.tokens/),
  rule("model_not_found", is(404, 410)),
  rule(
    "model_not_found",
    is(400, 403, 422),
    /model.not.found|(?:no.such|unknown|missing|invalid|plan).model|model.name/
  ),
  rule("auth", is(401, 403, 407, 451)),
  rule("rate_limit", is(429)),
  rule("timeout", is(408, 504, 524)),
  rule("provider_unavailable", (status) => status >= 500 || is(409, 424, 425, 498, 499)(status)),
  rule("invalid_request", (status) => status >= 400),
  rule("malformed_response", is(200), /truncated|spliced_message_start/),
  rule("invalid_request", is(200), /tool.use.failed/),
  rule("provider_unavailable", is(200))
]
