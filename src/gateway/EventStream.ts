import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { StreamEvent } from "../domain/ChatEvent.js"
import type { FrontDialect } from "../domain/Dialect.js"
import { ProviderFailed, type GatewayError } from "../domain/GatewayError.js"
import * as Translation from "../protocol/Translation.js"
import type { ChatReplyStream } from "./ChatReply.js"
import * as PushStream from "./PushStream.js"

/** A streamed answer as events, with `End` as the last one unless it broke. */
export const make = (
  open: Effect.Effect<ChatReplyStream, GatewayError>,
  dialect: FrontDialect
): Stream.Stream<StreamEvent, GatewayError> =>
  PushStream.make<StreamEvent, GatewayError>(
    Effect.map(open, (reply) => (emit) => {
      const eventsIn = Translation.events(dialect)
      reply.start({
        onFrames: (frames) => emit.items(frames.flatMap(eventsIn)),
        onEnd: ({ attempts, cost, error, served, usage }) => {
          if (error !== undefined) return emit.end(new ProviderFailed({ error, attempts }))
          emit.items([{ _tag: "End", ...served, attempts, usage, cost }])
          emit.end()
        }
      })
      return reply
    })
  )
