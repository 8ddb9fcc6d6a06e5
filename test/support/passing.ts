import * as Either from "effect/Either"
import type { ChatRequest } from "../../src/domain/ChatRequest.js"
import type { ChatDialect } from "../../src/domain/Dialect.js"
import * as Anthropic from "../../src/protocol/anthropic/RequestIn.js"
import * as OpenAi from "../../src/protocol/openai/RequestIn.js"
import { StreamMachine } from "../../src/protocol/StreamMachine.js"
import * as Translation from "../../src/protocol/Translation.js"
import { cut } from "./chunks.js"
import { answering } from "./machine.js"

/** The dialects of chats that callers speak. */
export const frontDialects = ["openai-chat", "anthropic-messages"] as const
export type ChatFront = (typeof frontDialects)[number]

/** A streamed request of a caller who wants to see the usage. */
const asking = (front: ChatFront): ChatRequest => {
  const json = { model: "m", max_tokens: 9, messages: [{ role: "user", content: "Hi" }], stream: true }
  return Either.getOrThrow(
    front === "openai-chat"
      ? OpenAi.makeRequest({ ...json, stream_options: { include_usage: true } })
      : Anthropic.makeRequest(json)
  )
}

interface Run {
  readonly realm?: string
  /** How the bytes are cut on their way. */
  readonly sizes?: ReadonlyArray<number>
  /** False while the provider has not closed the connection. */
  readonly ends?: boolean
}

/** A provider's stream from its first byte to its end, as the caller gets it. */
export const passed = (
  front: ChatFront,
  back: ChatDialect,
  bytes: Buffer,
  { ends = true, realm = "here", sizes }: Run = {}
) => {
  const machine = new StreamMachine(Translation.way(asking(front), back, answering({ realm, fresh: counting() })))
  const chunks = sizes === undefined ? [bytes] : cut(bytes, sizes)
  const released = [...chunks.flatMap((chunk) => machine.push(chunk)), ...(ends ? machine.end() : [])]
  const { failure, model, usage, verdict } = machine
  return { released: Buffer.concat(released), verdict, category: failure?.category, model, usage }
}

/** Ids count by their kind, so that those of a stream are those of a whole answer. */
const counting = (): ((prefix: string) => string) => {
  const made = new Map<string, number>()
  return (prefix) => {
    const count = (made.get(prefix) ?? 0) + 1
    made.set(prefix, count)
    return `${prefix}${count}`
  }
}

/** The same answer whole, as the caller gets it. */
export const passedWhole = (front: ChatFront, back: ChatDialect, json: unknown, realm = "here") =>
  Translation.decodeAnswer(asking(front), back, Buffer.from(JSON.stringify(json)), () =>
    answering({ realm, fresh: counting() })
  )
