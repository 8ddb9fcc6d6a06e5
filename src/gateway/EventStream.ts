import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { ChatEvent } from "../domain/ChatEvent.js"
import { ProviderFailed, type GatewayError } from "../domain/GatewayError.js"
import * as OpenAiChat from "../protocol/OpenAiChat.js"
import * as Sse from "../protocol/Sse.js"
import type { ChatReplyStream } from "./ChatReply.js"
import * as PushStream from "./PushStream.js"

/** A streamed answer as events, with `End` as the last one unless it broke. */
export const make = (open: Effect.Effect<ChatReplyStream, GatewayError>): Stream.Stream<ChatEvent, GatewayError> =>
  PushStream.make<ChatEvent, GatewayError>(
    Effect.map(open, (reply) => (emit) => {
      const { fallback, instance, model, provider } = reply
      reply.start({
        onFrames: (frames) => emit.items(frames.flatMap((frame) => OpenAiChat.events(Sse.data(frame) ?? ""))),
        onEnd: ({ attempts, cost, error, usage }) => {
          if (error !== undefined) return emit.end(new ProviderFailed({ error, attempts }))
          emit.items([{ _tag: "End", provider, instance, model, fallback, attempts, usage, cost }])
          emit.end()
        }
      })
      return reply
    })
  )
