import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { ChatEvent } from "../domain/ChatEvent.js"
import { ProviderFailed, type GatewayError } from "../domain/GatewayError.js"
import * as OpenAiChat from "../protocol/OpenAiChat.js"
import * as Sse from "../protocol/Sse.js"
import type { ChatReplyStream } from "./ChatReply.js"
import * as PushStream from "./PushStream.js"

/** A streamed answer as events. Usage comes once, last, whether or not the request asked the provider for it. */
export const make = (open: Effect.Effect<ChatReplyStream, GatewayError>): Stream.Stream<ChatEvent, GatewayError> =>
  PushStream.make<ChatEvent, GatewayError>(
    Effect.map(open, (reply) => (emit) => {
      reply.start({
        onFrames: (frames) => emit.items(frames.flatMap(eventsOf)),
        onEnd: ({ attempts, error, usage }) => {
          if (usage !== undefined) emit.items([{ _tag: "Usage", usage }])
          emit.end(error === undefined ? undefined : new ProviderFailed({ error, attempts }))
        }
      })
      return reply
    })
  )

const eventsOf = (frame: Buffer): ReadonlyArray<ChatEvent> =>
  OpenAiChat.events(Sse.data(frame) ?? "").filter((event) => event._tag !== "Usage")
