import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { EventLog, type EventQuery } from "../store/EventLog.js"
import { RequestLog } from "../store/RequestLog.js"
import { Api } from "./Api.js"
import * as Door from "./HttpApiDoor.js"
import * as HttpRefusal from "./HttpRefusal.js"

/** The routes that tell what has happened. */
export const layer = HttpApiBuilder.group(Api, "history", (handlers) =>
  Effect.gen(function* () {
    const events = yield* EventLog
    const requests = yield* RequestLog
    return handlers
      .handleRaw("request", ({ path }) =>
        Effect.flatMap(
          requests.find(path.id),
          Option.match({
            onNone: () => Door.refuse(HttpRefusal.noSuchRequest(path.id)),
            onSome: (row) => Effect.succeed(HttpServerResponse.unsafeJson(row))
          })
        )
      )
      .handleRaw("events", ({ urlParams }) =>
        Either.match(queryOf(urlParams), {
          onLeft: Door.refuse,
          onRight: (query) =>
            Effect.map(events.find(query), (found) => HttpServerResponse.unsafeJson({ events: found }))
        })
      )
  })
)

const queryOf = ({
  instance,
  limit = "100",
  since,
  type
}: Params): Either.Either<EventQuery, HttpRefusal.HttpRefusal> => {
  const most = /^\d{1,4}$/.test(limit) ? Number(limit) : 0
  if (most < 1 || most > 1_000) {
    return Either.left(HttpRefusal.wrongType("'limit' must be a whole number from 1 to 1000", "limit"))
  }
  const from = since === undefined ? undefined : Date.parse(since)
  return Number.isNaN(from)
    ? Either.left(HttpRefusal.wrongType("'since' must be a time, as 2026-01-31T12:00:00Z is", "since"))
    : Either.right({ limit: most, since: from, instance, type })
}

interface Params {
  readonly instance?: string | undefined
  readonly limit?: string | undefined
  readonly since?: string | undefined
  readonly type?: string | undefined
}
