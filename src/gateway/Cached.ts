import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Runtime from "effect/Runtime"
import type { StoredAnswer } from "../cache/CacheStore.js"
import type { Found, Given, ResponseCache } from "../cache/ResponseCache.js"
import type { Snapshot } from "../catalog/Catalog.js"
import type { Attempt } from "../domain/Attempt.js"
import type { Caller } from "../domain/Caller.js"
import type { ChatRequest } from "../domain/ChatRequest.js"
import type { ErrorCategory } from "../domain/ErrorCategory.js"
import { attemptsOf, NotCached, type GatewayError } from "../domain/GatewayError.js"
import * as Money from "../domain/Money.js"
import * as Call from "../provider/Call.js"
import type { Cancel, Timers } from "../provider/Timers.js"
import type { AttemptLog } from "../routing/AttemptLog.js"
import { CacheChains } from "./CacheChain.js"
import type { ChatReply, ChatReplyStream, ServedBy } from "./ChatReply.js"
import { Flights, withoutOthers, type Shared } from "./Flights.js"
import * as Replay from "./Replay.js"
import { SharedStream } from "./SharedStream.js"

/** Starts to serve a request, on these timers; its calls are in `log` as they are made. */
export type Starter<A> = (
  timers: Timers,
  request: ChatRequest,
  caller: Caller,
  log?: AttemptLog
) => Call.Start<A, GatewayError>

/** What the cache is to a gateway. */
export interface Caching {
  readonly cache: ResponseCache["Type"]
  readonly snapshot: () => Snapshot
  /** For what goes on after the first call of a request that several wait for: it is in nobody's fiber. */
  readonly runtime: Runtime.Runtime<never>
}

/** A request that the cache is asked for. */
interface Asking {
  readonly timers: Timers
  readonly request: ChatRequest
  readonly caller: Caller
  readonly log: AttemptLog | undefined
  readonly key: string
  /** When it was asked, on its timers. */
  readonly at: number
}

/** Whole answers and streams, each in its own way. */
interface Shape<A> {
  readonly streamed: boolean
  /** `failed`: calls that were made before. */
  readonly replay: (found: Found, cache: "hit" | "stale", failed: ReadonlyArray<Attempt>) => A
  /** Whoever asked has gone, and may not have held the answer yet. */
  readonly giveUp: (answer: A) => void
  /** An answer that has come: to be kept, and for all who asked. */
  readonly made: (answer: A, asking: Asking, given: Tell, over: () => void) => Shared<A, Asking>
}

/** Tells of an answer that was given without asking anybody, and who had made it. */
type Tell = (
  asking: Asking,
  how: Given["how"],
  by: Pick<Given, "instance" | "model" | "provider">,
  saved: Given["saved"],
  usage: Given["usage"],
  savedMs: number
) => void

/** `ask` with a cache before it, for whole answers. */
export const whole = (ask: Starter<ChatReply>, caching: Caching): Starter<ChatReply> =>
  cached(ask, caching, {
    streamed: false,
    replay: Replay.whole,
    giveUp: () => {},
    made: (reply, asking, given, over) => {
      const { answer, cost } = reply
      over()
      if (answer.complete) {
        const { body, model, usage } = answer
        keep(caching, asking, reply, { body: [body], frames: undefined, answered: model, usage, cost })
      }
      return {
        join: (other, leads) => {
          if (leads) return { ...reply, cache: "miss" }
          given(other, "coalesced", reply, cost, answer.usage, 0)
          return { ...reply, cache: "hit", age: 0, saved: cost, attempts: [], cost: Money.zero }
        },
        abandon: () => {}
      }
    }
  })

/** `ask` with a cache before it, for streams. */
export const streamed = (ask: Starter<ChatReplyStream>, caching: Caching): Starter<ChatReplyStream> =>
  cached(ask, caching, {
    streamed: true,
    replay: Replay.stream,
    giveUp: (reply) => reply.cancel(),
    made: (reply, asking, given, over) => {
      const stream = new SharedStream(reply, caching.cache.settings().maxEntryBytes, asking.timers, {
        onWhole: (frames, { complete, cost, served, usage }) => {
          if (!complete) return
          const by = { ...served, dropped: reply.dropped }
          keep(caching, asking, by, { body: frames, frames: lengthsOf(frames), answered: undefined, usage, cost })
        },
        onOver: over
      })
      return {
        join: (other, leads) =>
          stream.join(
            leads ? undefined : ({ cost, served, usage }) => given(other, "coalesced", served, cost, usage, 0)
          ),
        abandon: stream.abandon
      }
    }
  })

/**
 * Answers from the cache where it can: what is kept is given without a fiber and without asking anybody. What was asked is kept
 * when it is complete, and given again, when all fail and the operator allows it, although it has expired. Without a cache
 * that is enabled it is `ask` itself.
 */
const cached = <A extends ServedBy>(
  ask: Starter<A>,
  { cache, runtime, snapshot }: Caching,
  shape: Shape<A>
): Starter<A> => {
  const chains = new CacheChains()
  const flights = new Flights<A, Asking>(runtime, shape.giveUp)

  const given: Tell = ({ caller, log, request }, how, by, saved, usage, savedMs) => {
    const { instance, model, provider } = by
    cache.given({ how, request, caller, id: log?.id, provider, instance, model, usage, saved, savedMs })
  }

  const replayed = (asking: Asking, found: Found, how: "hit" | "stale", failed: ReadonlyArray<Attempt>): A => {
    const { answer } = found
    given(asking, how, answer, answer.cost, answer.usage, answer.ms)
    return shape.replay(found, how, failed)
  }

  /** Asks. `over` is called when nobody can share the answer any more. */
  const asked =
    (asking: Asking, over: () => void): Call.Start<Shared<A, Asking>, GatewayError> =>
    (goOn) => {
      const { caller, log, request, timers } = asking
      const made = (answer: A): Shared<A, Asking> => shape.made(answer, asking, given, over)
      return ask(
        timers,
        request,
        caller,
        log
      )((outcome) =>
        goOn(
          Either.isRight(outcome) ? Call.guard(() => made(outcome.right)) : Either.left(Effect.map(outcome.left, made))
        )
      )
    }

  /** What has expired, where everybody fails: only who takes it himself is given it. The calls were made for who leads. */
  const orExpired = (
    failing: Effect.Effect<A, GatewayError>,
    asking: Asking,
    expired: Found | undefined,
    leads: boolean
  ): Effect.Effect<A, GatewayError> => {
    if (expired === undefined) return failing
    const { at, log, request, timers } = asking
    return Effect.catchIf(failing, isOutage, (error) => {
      const age = expired.age + timers.now() - at
      if (age > oldestFor(request)) return Effect.fail(error)
      return Effect.logWarning("all providers failed, so an answer was given that had expired").pipe(
        Effect.annotateLogs({ model: request.model, age_ms: Math.round(age), reason: error.message }),
        Effect.annotateLogs(log?.id === undefined ? {} : { request: log.id }),
        Effect.map(() => replayed(asking, { ...expired, age }, "stale", leads ? attemptsOf(error) : nobody))
      )
    })
  }

  return (timers, request, caller, log) => {
    const { coalesce, enabled } = cache.settings()
    const { cacheControl } = request
    const { noCache, noStore, onlyIfCached } = cacheControl ?? silent
    const chain = enabled && !noStore ? chains.of(request, snapshot()) : undefined
    const key = chain === undefined ? undefined : cache.keyOf(request, caller, chain, shape.streamed)
    if (key === undefined) return onlyIfCached ? notCached : ask(timers, request, caller, log)

    return (goOn) => {
      const asking: Asking = { timers, request, caller, log, key, at: timers.now() }
      let leave: Cancel | undefined
      const goAndAsk = (expired: Found | undefined): void => {
        let leads = false
        const start = (over: () => void) => {
          leads = true
          return asked(asking, over)
        }
        leave = (coalesce && !noCache ? flights.join(key, asking, start) : withoutOthers(asking, start))((outcome) =>
          goOn(Either.mapLeft(outcome, (failing) => orExpired(failing, asking, expired, leads)))
        )
      }
      const answer = (found: Found | undefined): void => {
        if (found?.fresh === true) goOn(Call.guard(() => replayed(asking, found, "hit", nobody)))
        else if (onlyIfCached) notCached(goOn)
        else goAndAsk(found)
      }
      if (noCache) answer(undefined)
      else {
        const stop = cache.find(key, cacheControl, (found) => {
          if (found?.fresh !== true) cache.missed()
          answer(found)
        })
        // Mostly the answer was there at once, and what has to be left by now is the call.
        leave ??= stop
      }
      return () => leave?.()
    }
  }
}

type Kept = Pick<StoredAnswer, "answered" | "cost" | "frames" | "usage"> & { readonly body: ReadonlyArray<Uint8Array> }

/** Keeps an answer under the key of its request. */
const keep = (
  { cache }: Caching,
  { at, key, timers }: Asking,
  { dropped, instance, model, provider }: Pick<ServedBy, "dropped" | "instance" | "model" | "provider">,
  { answered, body, cost, frames, usage }: Kept
): void => {
  const now = timers.now()
  const ms = now - at
  // No spread: this is made for every request that misses.
  cache.keep(key, {
    body: joined(body),
    frames,
    provider,
    instance,
    model,
    dropped: shownOf(dropped),
    answered,
    usage,
    cost,
    ms,
    storedAt: now
  })
}

/** As much of the names of what was dropped as a caller is shown: they come from callers, in any length and number. */
const shownOf = (dropped: ServedBy["dropped"]): ServedBy["dropped"] => {
  if (dropped.length === 0) return dropped
  const shown: Array<string> = []
  let left = mostShown
  for (const name of dropped) {
    // A copy: a piece of a text would hold all of it.
    shown.push(name.length <= left ? name : Buffer.from(name.slice(0, left)).toString())
    left -= name.length + 1
    if (left <= 0) break
  }
  return shown
}

/** Characters, with a comma between two names. */
const mostShown = 256

/** In memory of its own: a piece of a larger buffer would hold all of it. */
const joined = (pieces: ReadonlyArray<Uint8Array>): Uint8Array => {
  const [first] = pieces
  if (pieces.length === 1 && first !== undefined && first.buffer.byteLength - first.length <= enoughAlone) return first
  let size = 0
  for (const piece of pieces) size += piece.length
  const all = Buffer.allocUnsafeSlow(size)
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

/** What came in one packet has its headers beside it. They cost less than a copy. */
const enoughAlone = 1_024

const lengthsOf = (frames: ReadonlyArray<Buffer>): Uint32Array => Uint32Array.from(frames, ({ length }) => length)

/** In ms. */
const oldestFor = ({ cacheControl }: ChatRequest): number => (cacheControl?.maxAge ?? Number.POSITIVE_INFINITY) * 1_000

/** Was called. */
const nobody: ReadonlyArray<Attempt> = []

const silent = { noCache: false, noStore: false, onlyIfCached: false }

const notCached: Call.Start<never, GatewayError> = (goOn) => {
  goOn(Either.left(Effect.fail(new NotCached())))
  return () => {}
}

/** Did nobody answer for a reason that lies with them? A caller's mistake stays one. */
const isOutage = (error: GatewayError): boolean => {
  switch (error._tag) {
    case "DeadlineExceeded":
    case "NobodyAvailable":
      return true
    case "ProviderFailed":
      return !callers.has(error.error.category)
    case "FallbackExhausted":
      return error.attempts.some(({ category }) => category !== undefined && !callers.has(category))
    default:
      return false
  }
}

const callers: ReadonlySet<ErrorCategory> = new Set([
  "content_filter",
  "context_length",
  "invalid_request",
  "model_not_found"
])
