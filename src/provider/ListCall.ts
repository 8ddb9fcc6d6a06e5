import * as Effect from "effect/Effect"
import type { InstanceSettings } from "../config/Settings.js"
import { ProviderTimeout, type ProviderError } from "../domain/ProviderError.js"
import { BufferedCall, type BufferedAnswer } from "./BufferedCall.js"
import * as Call from "./Call.js"
import * as Failures from "./Failures.js"
import type { ListedModel } from "./ModelFacts.js"
import * as ModelIds from "./ModelIds.js"
import * as ModelList from "./ModelList.js"
import * as Timers from "./Timers.js"
import type { Outgoing, Transport } from "./Transport.js"

/** Where an instance lists its models, and how it is asked. */
export interface Listing extends Pick<Outgoing, "origin" | "path" | "headers"> {
  readonly instance: InstanceSettings
  readonly transport: Transport["Type"]
}

/** The ids on the first page: quick and cheap, for checks. */
export const ids = (listing: Listing): Effect.Effect<ReadonlyArray<string>, ProviderError> =>
  Effect.flatMap(now, (at) =>
    Effect.flatMap(get(listing, listing.path, at + idsTimeout), ({ body, status }) =>
      Effect.mapError(ModelIds.read(body), (message) => malformed(listing, message, status))
    )
  )

/** Everything that the vendor says of its models, each id once, from all pages, in its own order. */
export const catalogue = (listing: Listing): Effect.Effect<ReadonlyArray<ListedModel>, ProviderError> =>
  Effect.gen(function* () {
    const { provider } = listing.instance
    const until = (yield* now) + catalogueTimeout
    const found = new Map<string, ListedModel>()
    let next: Readonly<Record<string, string>> = {}
    for (let page = 0; page < maxPages; page++) {
      const path = ModelList.pathOf(provider, listing.path, next)
      const { body, status } = yield* get(listing, path, until)
      const read = yield* Effect.mapError(ModelList.read(provider, body), (message) =>
        malformed(listing, message, status)
      )
      const before = found.size
      for (const model of read.models) {
        if (found.size < maxModels && !found.has(model.id)) found.set(model.id, model)
      }
      if (read.next === undefined || found.size >= maxModels) return [...found.values()]
      // The same page again and again.
      if (found.size === before) break
      next = read.next
    }
    return yield* malformed(listing, "the provider's list of models does not end", 200)
  }).pipe(
    Effect.mapError((error) =>
      error._tag === "ProviderTimeout" && error.phase === "deadline"
        ? new ProviderTimeout({ ...error, message: `it did not list its models within ${catalogueTimeout / 1_000} s` })
        : error
    )
  )

/** What a catalogue holds at most; of a longer list the first part counts. */
export const maxModels = 20_000

const maxPages = 50

/** A check that takes longer than this has failed, in ms. */
const idsTimeout = 5_000

/** For all pages together, in ms. */
const catalogueTimeout = 30_000

const now = Effect.clockWith((clock) => Effect.sync(() => Timers.ofClock(clock).now()))

const malformed = ({ instance }: Listing, message: string, status: number): ProviderError =>
  Failures.from(instance, "")({ category: "malformed_response", message, status })

const get = (
  { headers, instance, origin, transport }: Listing,
  path: string,
  at: number
): Effect.Effect<BufferedAnswer, ProviderError> =>
  Effect.clockWith((clock) =>
    Call.toEffect((done) => {
      const terms = { timers: Timers.ofClock(clock), limit: { at, phase: "deadline" } } as const
      const request: Outgoing = { origin, path, method: "GET", headers, body: undefined }
      return new BufferedCall(transport, request, instance.timeouts, terms, Failures.from(instance, ""), done).abort
    })
  )
