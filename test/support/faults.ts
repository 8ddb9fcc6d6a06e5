import type { ErrorCategory } from "../../src/domain/ErrorCategory.js"
import * as Replies from "./replies.js"
import type { Asked, Reply, Step } from "./upstream.js"

/** One way in which a provider fails before it has said anything. */
export interface Fault {
  readonly name: string
  /** `refused`: nobody listens. */
  readonly reply: Reply | "refused"
  readonly category: ErrorCategory
  /** Where a stream shows it differently. */
  readonly streamed?: ErrorCategory
}

/** A secret that faulty providers repeat in their answers. */
export const leaked = "sk-leak-9d4c2b7a1f6e8350"

/** Every fault before the commit point. */
export const faults: ReadonlyArray<Fault> = [
  { name: "connection refused", category: "network", reply: "refused" },
  { name: "reset before headers", category: "network", reply: () => [{ end: "reset" }] },
  { name: "closed before headers", category: "network", reply: () => [{ end: "close" }] },
  { name: "reset after headers", category: "network", reply: (asked) => [...begun(asked), { end: "reset" }] },
  { name: "hang before headers", category: "timeout", reply: Replies.silence },
  { name: "hang mid-stream", category: "timeout", reply: (asked) => begun(asked) },
  {
    name: "500",
    category: "provider_unavailable",
    reply: Replies.failure(500, { message: `no database for ${leaked}`, type: "server_error" })
  },
  {
    name: "502 HTML",
    category: "provider_unavailable",
    reply: () => Replies.json(502, "<html><body>Bad Gateway</body></html>", { "content-type": "text/html" })
  },
  { name: "503", category: "provider_unavailable", reply: Replies.failure(503, { message: "down" }) },
  {
    name: "529",
    category: "provider_unavailable",
    reply: Replies.failure(529, { message: "Overloaded", type: "overloaded_error" })
  },
  {
    name: "429 with retry-after",
    category: "rate_limit",
    reply: Replies.failure(429, { message: "Rate limit reached" }, { "retry-after": "17" })
  },
  { name: "429 without retry-after", category: "rate_limit", reply: Replies.failure(429, { message: "Slow down" }) },
  {
    name: "401",
    category: "auth",
    reply: Replies.failure(401, { message: `Incorrect API key provided: ${leaked}.`, code: "invalid_api_key" })
  },
  {
    name: "402",
    category: "provider_quota_exceeded",
    reply: Replies.failure(402, { message: "Insufficient credits" })
  },
  {
    name: "404",
    category: "model_not_found",
    reply: Replies.failure(404, { message: "The model `m` does not exist", code: "model_not_found" })
  },
  {
    name: "truncated JSON",
    category: "malformed_response",
    reply: ({ stream }) =>
      stream
        ? [Replies.head(200, Replies.eventStream), { data: halfFrame }, { end: "end" }]
        : Replies.json(200, '{"id":"chatcmpl-1","choices":[{"index":0,"mess')
  },
  {
    name: "truncated stream",
    category: "network",
    streamed: "malformed_response",
    reply: (asked) => [...begun(asked), { end: asked.stream ? "end" : "close" }]
  },
  {
    name: "empty stream",
    category: "malformed_response",
    reply: () => [Replies.head(200, Replies.eventStream), { data: "data: [DONE]\n\n" }, { end: "end" }]
  },
  {
    name: "error in 200",
    category: "provider_unavailable",
    reply: () => Replies.json(200, { error: { message: `upstream of ${leaked} failed`, code: 502 } })
  },
  {
    name: "error event mid-stream",
    category: "malformed_response",
    streamed: "provider_unavailable",
    reply: () => [
      Replies.head(200, Replies.eventStream),
      Replies.preamble,
      Replies.event({ error: { message: "Overloaded", type: "overloaded_error" } }),
      { end: "end" }
    ]
  }
]

/** One way in which a stream ends when its first words are already with the caller. */
export interface Break {
  readonly name: string
  readonly category: ErrorCategory
  /** What follows on the words. */
  readonly steps: ReadonlyArray<Step>
}

/** Every fault after the commit point. */
export const breaks: ReadonlyArray<Break> = [
  { name: "reset", category: "network", steps: [{ end: "reset" }] },
  { name: "close without the end of the body", category: "network", steps: [{ end: "close" }] },
  { name: "hang", category: "timeout", steps: [] },
  { name: "end without a finish", category: "malformed_response", steps: [{ end: "end" }] },
  {
    name: "end inside a frame",
    category: "malformed_response",
    steps: [{ data: 'data: {"choices":[' }, { end: "end" }]
  },
  {
    name: "error in a frame",
    category: "provider_unavailable",
    steps: [Replies.event({ error: { message: `lost ${leaked}`, type: "server_error" } }), { end: "end" }]
  },
  {
    name: "error event",
    category: "provider_unavailable",
    steps: [{ data: `event: error\ndata: {"message":"lost ${leaked}"}\n\n` }, { end: "end" }]
  },
  {
    name: "error as the reason of the finish",
    category: "provider_unavailable",
    steps: [Replies.frame({}, "error"), { data: "data: [DONE]\n\n" }, { end: "end" }]
  }
]

const halfFrame = 'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"cont'

/** An answer that has begun and said nothing yet. */
const begun = ({ stream }: Asked): ReadonlyArray<Step> =>
  stream
    ? [Replies.head(200, Replies.eventStream), Replies.preamble]
    : [
        Replies.head(200, { "content-type": "application/json", "content-length": "400" }),
        { data: '{"id":"chatcmpl-1","choices":[{"index":0,' }
      ]
