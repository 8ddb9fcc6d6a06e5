import type * as Effect from "effect/Effect"
import type { Asked, Reply, Step } from "./upstream.js"

/** A model's text, a word a frame where a stream is asked for. */
export const answer =
  (text: string): Reply =>
  (asked) =>
    asked.stream ? [...opening(text), ...ending("stop", asked)] : whole({ role: "assistant", content: text }, "stop")

/** A stream that has said its text, and waits before it ends. */
export const answerThen =
  (text: string, wait: Effect.Effect<void>): Reply =>
  (asked) => [...opening(text), { wait }, ...ending("stop", asked)]

/** One call of a tool, its arguments in two pieces where a stream is asked for. */
export const toolCall =
  (name: string, args: string): Reply =>
  (asked) => {
    const call = (said: string) => ({ id: "call_1", type: "function", function: { name, arguments: said } })
    if (!asked.stream) return whole({ role: "assistant", content: null, tool_calls: [call(args)] }, "tool_calls")
    const half = Math.ceil(args.length / 2)
    return [
      head(200, eventStream),
      frame({ role: "assistant", content: null, tool_calls: [{ index: 0, ...call("") }] }),
      ...[args.slice(0, half), args.slice(half)].map((piece) =>
        frame({ tool_calls: [{ index: 0, function: { arguments: piece } }] })
      ),
      ...ending("tool_calls", asked)
    ]
  }

/** An error in OpenAI's form. */
export const failure =
  (
    status: number,
    error: { readonly message: string; readonly type?: string; readonly code?: string; readonly param?: string },
    headers: Readonly<Record<string, string>> = {}
  ): Reply =>
  () =>
    json(status, { error: { type: "error", param: null, code: null, ...error } }, headers)

/** Takes the request and never says a word. */
export const silence: Reply = () => []

/** A stream's head and words, without an end. */
export const opening = (text: string): ReadonlyArray<Step> => [
  head(200, eventStream),
  preamble,
  ...(text.match(/\s*\S+/g) ?? []).map((content) => frame({ content }))
]

/** Any whole answer. */
export const json = (
  status: number,
  body: object | string,
  headers: Readonly<Record<string, string>> = {}
): ReadonlyArray<Step> => [
  head(status, { "content-type": "application/json", ...headers }),
  { data: typeof body === "string" ? body : JSON.stringify(body) },
  { end: "end" }
]

export const head = (status: number, headers: Readonly<Record<string, string>>): Step => ({ head: { status, headers } })

export const eventStream = { "content-type": "text/event-stream" }

/** One chunk of a stream. */
export const frame = (delta: object, finish: string | null = null): Step =>
  event({ ...chunk, choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] })

/** One event of a stream, whatever it holds. */
export const event = (data: object): Step => ({ data: `data: ${JSON.stringify(data)}\n\n` })

const chunk = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_000, model: "m-2024" }

/** A stream's first chunk, with which the model has not said anything yet. */
export const preamble: Step = frame({ role: "assistant", content: "" })

const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 }

const ending = (finish: string, asked: Asked): ReadonlyArray<Step> => [
  frame({}, finish),
  ...(asked.usage ? [event({ ...chunk, choices: [], usage })] : []),
  { data: "data: [DONE]\n\n" },
  { end: "end" }
]

const whole = (message: object, finish: string): ReadonlyArray<Step> =>
  json(200, {
    ...chunk,
    object: "chat.completion",
    choices: [{ index: 0, message: { refusal: null, ...message }, logprobs: null, finish_reason: finish }],
    usage
  })
