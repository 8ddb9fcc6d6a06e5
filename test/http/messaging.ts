import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { Settings } from "../../src/config/Settings.js"
import type { VendorSlug } from "../../src/config/Vendors.js"
import * as Replies from "../support/replies.js"
import { keyOf, serve, type Door, type Running } from "../support/server.js"
import { instance, model, settings } from "../support/settings.js"
import * as Upstream from "../support/upstream.js"
import { ask, type Answer } from "./asking.js"

/** A provider, and what it speaks. */
export type Speaker = readonly [VendorSlug, Upstream.Upstream]

const ids = ["first", "second", "third"]

/** A gateway whose model `m` is asked of these in turn, each of them once. */
export const between = (
  door: Door,
  speakers: ReadonlyArray<Speaker>,
  more: Partial<Settings> = {}
): Effect.Effect<Running, never, Scope.Scope> => {
  const instances = speakers.map(([provider, { url }], position) => {
    const made = instance(ids[position] ?? "", {
      provider,
      baseUrl: url,
      apiKey: Redacted.make(keyOf(position)),
      pricing: { prompt: 1, completion: 10 }
    })
    return { ...made, retry: { ...made.retry, maxAttempts: 1 } }
  })
  const chained = model(
    "m",
    instances.map(({ id }) => id)
  )
  return serve(door, settings({ instances, models: [chained], tasks: { default: "m" }, ...more }))
}

/** A gateway before one provider of OpenAI's dialect. */
export const before = (door: Door, reply: Upstream.Reply) =>
  Effect.gen(function* () {
    const upstream = yield* Upstream.make(reply)
    return { upstream, gateway: yield* between(door, [["openai-compatible", upstream]]) }
  })

/** A request for `m` to a path; a text is sent as it is. */
export const post = (
  gateway: Running,
  path: string,
  fields: Readonly<Record<string, unknown>> | string,
  headers: Readonly<Record<string, string>> = {}
): Effect.Effect<Answer> =>
  ask(gateway, path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof fields === "string" ? fields : JSON.stringify({ model: "m", ...fields })
  })

/** What an Anthropic client says. */
const question = { max_tokens: 9, messages: [{ role: "user", content: "hi" }] }

/** A message for `m`. */
export const send = (
  gateway: Running,
  fields: Readonly<Record<string, unknown>> | string = {},
  headers: Readonly<Record<string, string>> = {}
): Effect.Effect<Answer> =>
  post(gateway, "/v1/messages", typeof fields === "string" ? fields : { ...question, ...fields }, headers)

const usage = { input_tokens: 9, output_tokens: 3 }
const message = { id: "msg_up", type: "message", role: "assistant", model: "m-2024", stop_sequence: null }

const event = (data: { readonly type: string; readonly [member: string]: unknown }) => ({
  data: `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
})

/** A model's text, in Anthropic's dialect. */
export const says =
  (text: string): Upstream.Reply =>
  ({ stream }) =>
    stream
      ? [
          Replies.head(200, Replies.eventStream),
          event({ type: "message_start", message: { ...message, content: [], stop_reason: null, usage } }),
          event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
          event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }),
          event({ type: "content_block_stop", index: 0 }),
          event({ type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage }),
          event({ type: "message_stop" }),
          { end: "end" }
        ]
      : Replies.json(200, { ...message, content: [{ type: "text", text }], stop_reason: "end_turn", usage })

/** An error in Anthropic's form. */
export const refusal =
  (status: number, type: string, text: string): Upstream.Reply =>
  () =>
    Replies.json(status, { type: "error", error: { type, message: text } })
