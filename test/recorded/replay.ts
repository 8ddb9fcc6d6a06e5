import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { InstanceSettings } from "../../src/config/Settings.js"
import type { FrontDialect } from "../../src/domain/Dialect.js"
import { instance } from "../support/settings.js"
import { listen } from "../support/upstream.js"
import type { Case } from "./cases.js"

/** Where the providers of recorded answers are, and who among the gateway's vendors speaks their dialect. */
export interface Served {
  readonly vendor: Pick<InstanceSettings, "provider" | "dialect" | "accountId">
  /** Fronts that its answers can go to. */
  readonly fronts: ReadonlyArray<FrontDialect>
}

/** How a case's dialect is served; `undefined`: it is not. */
export const servedAs = ({ dialect }: Case): Served | undefined => served[dialect]

/** A fake provider that answers whatever is asked below `/<position>/` with the case at that position. */
export const replayed = (cases: ReadonlyArray<Case>): Effect.Effect<string, never, Scope.Scope> =>
  listen((request, response) => {
    const recorded = cases[Number(request.url?.split("/", 2)[1])]
    if (recorded === undefined || request.method !== "POST") return void response.writeHead(404).end()
    request.resume().once("end", () => {
      const { body, status } = recorded
      const half = Math.floor(body.length / 2)
      response.writeHead(status, headersOf(recorded)).write(body.subarray(0, half), () => {
        response.end(body.subarray(half))
      })
    })
  })

/** The instance whose provider is the case at this position; it is called once a request. */
export const replaying = (id: string, origin: string, position: number, { vendor }: Served): InstanceSettings => {
  const made = instance(id, { ...vendor, baseUrl: `${origin}/${position}` })
  return { ...made, retry: { ...made.retry, maxAttempts: 1 } }
}

const chat: ReadonlyArray<FrontDialect> = ["openai-chat", "anthropic-messages"]

const made = (vendor: Partial<Served["vendor"]>, fronts: ReadonlyArray<FrontDialect>): Served => ({
  vendor: { provider: "openai-compatible", dialect: undefined, accountId: undefined, ...vendor },
  fronts
})

/** By the index's names of dialects. */
const served: Readonly<Partial<Record<string, Served>>> = {
  "openai-chat": made({}, chat),
  "anthropic-messages": made({ provider: "anthropic" }, chat),
  gemini: made({ provider: "gemini" }, chat),
  "cloudflare-run": made({ provider: "cloudflare", dialect: "workers-ai", accountId: "account" }, chat),
  "ollama-api-chat": made({ provider: "ollama", dialect: "ollama" }, chat),
  "openai-completions": made({}, ["openai-completions"]),
  "openai-embeddings": made({}, ["openai-embeddings"]),
  "anthropic-count-tokens": made({ provider: "anthropic" }, ["anthropic-count-tokens"])
}

/** As recorded; what was not recorded is what the body shows. */
const headersOf = ({ dialect, headers, streaming }: Case): Readonly<Record<string, string>> => ({
  "content-type": !streaming
    ? "application/json"
    : dialect === "ollama-api-chat"
      ? "application/x-ndjson"
      : "text/event-stream",
  ...headers
})
