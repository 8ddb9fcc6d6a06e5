import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import { Alerts } from "../../src/alerts/Alerts.js"
import type { AlertSettings, WebhookSettings } from "../../src/config/Settings.js"
import type { AlertKind } from "../../src/domain/Alert.js"
import * as Money from "../../src/domain/Money.js"
import { Transport, type Outgoing } from "../../src/provider/Transport.js"
import { fixed } from "../support/liveSettings.js"
import { settings } from "../support/settings.js"

/** What a webhook answers; `undefined`: nothing, ever. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** What came to a webhook. */
export interface Post {
  readonly url: string
  readonly headers: Outgoing["headers"]
  readonly body: string
}

/** Webhooks on no network. */
export interface Webhooks {
  readonly posts: Array<Post>
  readonly layer: Layer.Layer<Transport>
  /** What all of them answer from now on. */
  answer: Answer | "refused" | undefined
  /** But those at these origins say nothing. */
  readonly silent: Set<string>
}

export const webhooks = (): Webhooks => {
  const made: Webhooks = {
    posts: [],
    answer: { status: 200, body: "ok" },
    silent: new Set(),
    layer: Layer.succeed(Transport, {
      exchange: ({ body, headers, origin, path }, incoming) => {
        made.posts.push({ url: origin + path, headers, body: Buffer.from(body ?? []).toString("utf8") })
        const answer = made.silent.has(origin) ? undefined : made.answer
        let isOver = false
        queueMicrotask(() => {
          if (isOver || answer === undefined) return
          if (answer === "refused") return incoming.onFailure({ message: "the connection was refused" })
          incoming.onConnected()
          incoming.onHead(answer.status, answer.headers ?? {})
          if (answer.body !== undefined) incoming.onData(Buffer.from(answer.body))
          incoming.onEnd()
        })
        return { pause: () => {}, resume: () => {}, abort: () => void (isOver = true) }
      }
    })
  }
  return made
}

export const secret = "T0S3CR3T/B0S3CR3T/aVeryLongAndVerySecretToken"
export const slackUrl = `https://hooks.slack.com/services/${secret}`

export const webhook = (url: string, overrides: Partial<WebhookSettings> = {}): WebhookSettings => ({
  url: Redacted.make(url),
  events: undefined,
  format: "slack",
  ...overrides
})

export const alertSettings = (overrides: Partial<AlertSettings> = {}) =>
  settings({
    alerts: { webhooks: [webhook(slackUrl)], repeatAfter: 3_600_000, timeout: 10_000, ...overrides }
  })

/** Alerts in memory, posted to these webhooks; what is logged goes into `log`. */
export const inMemory = (to: Webhooks, overrides: Partial<AlertSettings> = {}, log: Array<string> = []) =>
  Effect.map(
    Layer.build(
      Alerts.layerMemory.pipe(
        Layer.provide(Layer.merge(to.layer, fixed(alertSettings(overrides)))),
        Layer.provide(logging(log))
      )
    ),
    Context.get(Alerts)
  )

export const logging = (log: Array<string>) =>
  Logger.replace(
    Logger.defaultLogger,
    Logger.map(Logger.logfmtLogger, (line) => void log.push(line))
  )

/** Lets what was started go on until it waits for time to pass. */
export const settled = Effect.promise(async () => {
  for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve))
})

export const circuitOpen = (instance: string, model?: string) => ({
  kind: "circuit_open" as const,
  instance,
  model,
  failures: 3,
  retryIn: 60
})

export const exhausted = (model: string) => ({
  kind: "fallback_exhausted" as const,
  model,
  categories: ["rate_limit" as const]
})

export const spent = (scope: string, percent: number) => ({
  kind: "budget_threshold" as const,
  scope,
  period: "daily" as const,
  percent,
  spent: Money.zero,
  limit: Money.zero,
  refuses: false,
  resetsAt: 86_400_000
})

/** The kinds of what was posted as `json`. */
export const kindsOf = (posts: ReadonlyArray<Post>): ReadonlyArray<AlertKind> =>
  posts.map(({ body }) => (JSON.parse(body) as { kind: AlertKind }).kind)
