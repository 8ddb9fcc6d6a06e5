import * as Sse from "../protocol/Sse.js"
import { base, chunk, whole, type SimulatedReply, type SimulatedRequest, type WireEvent } from "./SimulatedReply.js"

/** How much is asked and said, in tokens. */
export interface Size {
  readonly prompt: number
  readonly answer: number
}

/**
 * A chat answer of a size, of which no words matter; what is streamed has four characters a token. It takes the time of its tokens: a whole one comes when the last of
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

/** Characters of a stream of so many tokens that have come when so many of its events have happened. */
export const charactersIn = (played: number, tokens: number, tokenInterval: number, gap: number): number => {
  const count = piecesOf(tokens, tokenInterval, gap)
  // The head is no piece, and the first token one of its own.
  return played < 2 ? 0 : perToken * tokensBy(Math.min(played - 2, count), count, tokens)
}

const done = Sse.encode("[DONE]")

const perToken = 4

const pieces = (request: SimulatedRequest, tokens: number, gap: number): Array<WireEvent> => {
  const { latency, tokenInterval } = request.settings
  const first = "so on".slice(0, perToken)
  const events: Array<WireEvent> = [
    { after: 0, head: { status: 200, headers: eventStream } },
    { after: latency, data: chunk(request, { role: "assistant", content: first }, null) }
  ]
  const count = piecesOf(tokens, tokenInterval, gap)
  const after = ((tokens - 1) * tokenInterval) / count
  for (let at = 1; at <= count; at++) {
    const length = perToken * (tokensBy(at, count, tokens) - tokensBy(at - 1, count, tokens))
    // Whoever only weighs frames learns from the shortest what is around their text.
    const data = at === 1 ? Buffer.concat([said(request, 1), said(request, length - 1)]) : said(request, length)
    events.push({ after, data })
  }
  return events
}

/** Behind the first token. */
const piecesOf = (tokens: number, tokenInterval: number, gap: number): number =>
  Math.min(tokens - 1, Math.ceil(((tokens - 1) * tokenInterval) / gap))

/** With so many of the pieces behind the first token. */
const tokensBy = (piece: number, count: number, tokens: number): number =>
  count <= 0 ? 1 : 1 + Math.round((piece * (tokens - 1)) / count)

const said = (request: SimulatedRequest, characters: number): Buffer =>
  chunk(request, { content: " and so on".repeat(Math.ceil(characters / 10)).slice(0, characters) }, null)

const eventStream = { "content-type": "text/event-stream" }

const usage = ({ answer, prompt }: Size): object => ({
  prompt_tokens: prompt,
  completion_tokens: answer,
  total_tokens: prompt + answer
})
