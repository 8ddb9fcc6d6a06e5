import * as Either from "effect/Either"
import type { ChatRequest } from "../../src/domain/ChatRequest.js"
import * as RequestIn from "../../src/protocol/openai/RequestIn.js"
import { StreamMachine } from "../../src/protocol/StreamMachine.js"
import * as Translation from "../../src/protocol/Translation.js"
import { cut } from "./chunks.js"

/** What is known of a call besides its request. Every id that is asked for is another one. */
export const answering = (set: Partial<Translation.Answering> = {}): Translation.Answering => {
  let ids = 0
  return {
    realm: "here",
    hidesUsage: false,
    model: "m-asked",
    created: 7,
    fresh: (prefix) => `${prefix}${++ids}`,
    ...set
  }
}

/** A streamed request of OpenAI's. */
export const streamRequest = (fields: Readonly<Record<string, unknown>> = {}): ChatRequest =>
  Either.getOrThrow(RequestIn.makeRequest({ model: "m", messages: [], stream: true, ...fields }))

/** A stream from a provider of OpenAI's dialect to a caller of the same. */
export const machine = (set: Partial<Translation.Answering> = {}): StreamMachine =>
  new StreamMachine(Translation.way(streamRequest(), "openai-chat", answering(set)))

interface Run {
  readonly hidesUsage?: boolean
  readonly realm?: string
  readonly sizes?: ReadonlyArray<number>
  /** False while the provider has not closed the connection. */
  readonly ends?: boolean
}

/** One stream from its first byte to its end. */
export const run = (frames: ReadonlyArray<Buffer>, { ends = true, sizes, ...set }: Run = {}) => {
  const made = machine(set)
  const bytes = Buffer.concat(frames)
  const chunks = sizes === undefined ? [bytes] : cut(bytes, sizes)
  const released = [...chunks.flatMap((each) => made.push(each)), ...(ends ? made.end() : [])]
  const { failure, finished, model, reportedCost, usage, verdict } = made
  return { released: Buffer.concat(released).toString(), verdict, failure, finished, model, reportedCost, usage }
}

export const join = (...frames: ReadonlyArray<Buffer>): string => Buffer.concat(frames).toString()
