import * as Sse from "../protocol/Sse.js"
import { base, chunk, whole, type SimulatedReply, type SimulatedRequest, type WireEvent } from "./SimulatedReply.js"

/** How much is asked and said, in tokens. */
export interface Size {
  readonly prompt: number
  readonly answer: number
}

/**
 * A chat answer of a size, of which no words matter. It takes the time of its tokens: a whole one comes when the last of
 * them is made. A stream comes in fewer pieces than tokens, but never later than the tokens in them.
 */
export const sized =
  (size: Size): SimulatedReply =>
  (request) => {
    const { latency, tokenInterval } = request.settings
    if (!streams(request)) {
      return whole(latency + (size.answer - 1) * tokenInterval, 200, {
        ...base(request),
        object: "chat.completion",
        choices: [
          {
            index: 0,
            message: { role: "assistant", content: "simulated", refusal: null },
            logprobs: null,
            finish_reason: "stop"
          }
        ],
        usage: usage(size)
      })
    }
    const last = Sse.encode(JSON.stringify({ ...base(request), choices: [], usage: usage(size) }))
    return [
      ...pieces(request, size.answer),
      { after: 0, data: Buffer.concat([chunk(request, {}, "stop"), last, done]) },
      { after: 0, end: "end" }
    ]
  }

/** A stream that loses the connection after so many tokens. */
export const cutAfter =
  (tokens: number): SimulatedReply =>
  (request) => [...pieces(request, tokens), { after: request.settings.tokenInterval, end: "reset" }]

/** Does the request ask for a stream? */
export const streams = ({ body }: SimulatedRequest): boolean => body?.["stream"] === true

const done = Sse.encode("[DONE]")

/** Longest time between two pieces of a stream, in ms, unless its tokens are slower. */
const longestGap = 1_000

const pieces = (request: SimulatedRequest, tokens: number): ReadonlyArray<WireEvent> => {
  const { latency, tokenInterval } = request.settings
  const events: Array<WireEvent> = [
    { after: 0, head: { status: 200, headers: eventStream } },
    { after: latency, data: chunk(request, { role: "assistant", content: "simulated" }, null) }
  ]
  const rest = tokens - 1
  const count = Math.min(rest, Math.ceil((rest * tokenInterval) / longestGap))
  const piece = count > 0 ? chunk(request, { content: " and so on" }, null) : undefined
  if (piece === undefined) return events
  for (let at = 0; at < count; at++) events.push({ after: (rest * tokenInterval) / count, data: piece })
  return events
}

const eventStream = { "content-type": "text/event-stream" }

const usage = ({ answer, prompt }: Size): object => ({
  prompt_tokens: prompt,
  completion_tokens: answer,
  total_tokens: prompt + answer
})
