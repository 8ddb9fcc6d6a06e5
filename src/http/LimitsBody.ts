import * as Schema from "effect/Schema"
import type { RateSettings, Settings } from "../config/Settings.js"
import * as CallerLimits from "../limits/CallerLimits.js"
import type { Left, Limit } from "../limits/Claim.js"
import type { RateLimiter } from "../limits/RateLimiter.js"

const LeftBody = Schema.NullOr(Schema.Struct({ remaining: Schema.Int, reset_s: Schema.Int }))

/** `GET /admin/limits`. */
export const LimitsBody = Schema.Struct({
  limits: Schema.Array(
    Schema.Struct({
      /** As in the config file, or `instance:<id>`. */
      scope: Schema.String,
      requests_per_minute: Schema.NullOr(Schema.Int),
      tokens_per_minute: Schema.NullOr(Schema.Int),
      /** Whom it holds; of each of many only those who have used something, who has the least left first. */
      used_by: Schema.Array(
        Schema.Struct({ id: Schema.String, requests: LeftBody, tokens: LeftBody, waiting: Schema.Int })
      )
    })
  )
}).annotations({ identifier: "Limits" })

type Limits = typeof LimitsBody.Type

/** How much of each limit is used. */
export const make = (settings: Pick<Settings, "instances" | "rateLimits">, limiter: RateLimiter["Type"]): Limits => {
  const known = [...limiter.known()]
  const instances = settings.instances.flatMap((instance) => {
    const limit = CallerLimits.ofInstance(instance)
    return limit === undefined || instance.rateLimit === undefined
      ? []
      : [row(limit.scope, instance.rateLimit, [limit], limiter)]
  })
  const callers = settings.rateLimits.map((own) =>
    row(own.scope, own, CallerLimits.madeBy(own, settings.rateLimits, known), limiter)
  )
  return { limits: [...instances, ...callers] }
}

const row = (
  scope: string,
  rates: RateSettings,
  limits: ReadonlyArray<Limit>,
  limiter: RateLimiter["Type"]
): Limits["limits"][number] => ({
  scope,
  requests_per_minute: rates.requestsPerMinute ?? null,
  tokens_per_minute: rates.tokensPerMinute ?? null,
  used_by: limits
    .slice(0, looked)
    .map((limit) => {
      const { requests, tokens } = limiter.quota(limit)
      return { id: limit.id, requests: left(requests), tokens: left(tokens), waiting: limiter.waiting(limit) }
    })
    .toSorted((a, b) => share(a, rates) - share(b, rates))
    .slice(0, shown)
})

const left = (of: Left | undefined) =>
  of === undefined ? null : { remaining: of.remaining, reset_s: Math.ceil(of.reset / 1000) }

type Used = Limits["limits"][number]["used_by"][number]

/** Of what it has the least of. */
const share = ({ requests, tokens }: Used, { requestsPerMinute = 1, tokensPerMinute = 1 }: RateSettings): number =>
  Math.min((requests?.remaining ?? Infinity) / requestsPerMinute, (tokens?.remaining ?? Infinity) / tokensPerMinute)

/** The latest are looked at, and so many of them are shown for one limit. */
const looked = 1_000
const shown = 20
