import * as Sse from "../protocol/Sse.js"
import { base, chunk, whole, type SimulatedReply, type SimulatedRequest, type WireEvent } from "./SimulatedReply.js"

/** How much is asked and said, in tokens. */
export interface Size {
  readonly prompt: number
  readonly answer: number
}

/**
 * A chat answer of a size, of which no words matter. It takes the time of its tokens: a whole one comes when the last of
 * them is made. A stream comes in as few pieces as are never further apart than `gap`, in ms, unless its tokens are.
 */
export const sized =
  (size: Size, gap: number): SimulatedReply =>
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
    const summary = Sse.encode(JSON.stringify({ ...base(request), choices: [], usage: usage(size) }))
    const events = pieces(request, size.answer, gap)
    events.push(
      { after: 0, data: Buffer.concat([chunk(request, {}, "stop"), summary, done]) },
      { after: 0, end: "end" }
    )
    return events
  }

/** A stream that loses the connection after so many tokens. */
export const cutAfter =
  (tokens: number, gap: number): SimulatedReply =>
  (request) => {
    const events = pieces(request, tokens, gap)
    events.push({ after: request.settings.tokenInterval, end: "reset" })
    return events
  }

/** Does the request ask for a stream? */
export const streams = ({ body }: SimulatedRequest): boolean => body?.["stream"] === true

const done = Sse.encode("[DONE]")

const pieces = (request: SimulatedRequest, tokens: number, gap: number): Array<WireEvent> => {
  const { latency, tokenInterval } = request.settings
  const events: Array<WireEvent> = [
    { after: 0, head: { status: 200, headers: eventStream } },
    { after: latency, data: chunk(request, { role: "assistant", content: "simulated" }, null) }
  ]
  const rest = (tokens - 1) * tokenInterval
  const count = Math.min(tokens - 1, Math.ceil(rest / gap))
  if (count <= 0) return events
  const piece = chunk(request, { content: " and so on" }, null)
  for (let at = 0; at < count; at++) events.push({ after: rest / count, data: piece })
  return events
}

const eventStream = { "content-type": "text/event-stream" }

const usage = ({ answer, prompt }: Size): object => ({
  prompt_tokens: prompt,
  completion_tokens: answer,
  total_tokens: prompt + answer
})
