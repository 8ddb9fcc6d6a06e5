import type { InstanceSettings } from "../config/Settings.js"
import * as Json from "../protocol/Json.js"
import * as Simulated from "../provider/SimulatedReply.js"
import * as SimulatedSize from "../provider/SimulatedSize.js"
import { spreadOf } from "./Arrivals.js"
import { constant, type Chance } from "./Chance.js"
import * as Event from "./Event.js"
import type { BehaviourFields, EventFields, OutageKind } from "./ScenarioFile.js"

/** What an instance has to know of its world. */
export interface Surroundings {
  readonly events: ReadonlyArray<EventFields>
  readonly chance: Chance
  /** In ms from the start. */
  readonly now: () => number
}

/** How an instance answers each call, as its behaviour says and as it goes in the timeline. */
export const make = (
  instance: InstanceSettings,
  fields: BehaviourFields | undefined,
  { chance, events, now }: Surroundings
): Simulated.SimulatedReply => {
  const own = instance.simulated
  const latency = fields?.firstToken === undefined ? constant(own.latency) : spreadOf(fields.firstToken)
  const tokenInterval = fields?.tokenInterval ?? own.tokenInterval
  const errorLatency = fields?.errorLatency ?? Math.min(50, own.latency)
  // Often enough that nobody takes it for silence.
  const gap = Math.max(1, instance.timeouts.idle / 2)
  const limit = fields?.requestsPerMinute
  const quota = new MinuteLimit()
  const line = fields?.concurrency === undefined ? undefined : new Line(fields.concurrency)

  return (request) => {
    const at = now()
    const going = events.filter((event) => Event.isOn(event, at))
    const slowness = going.reduce((product, event) => product * Event.slowness(event, at), 1)
    const firstToken = chance.of(latency) * slowness
    const failed = { ...request, settings: { ...request.settings, latency: errorLatency } }

    const outage = first(going, (event) => Event.outageOf(event, at))
    if (outage !== undefined) return outages[outage](failed)
    if (going.some(({ keyRevoked }) => keyRevoked)) return Simulated.unauthorized(failed)
    if (request.method === "GET") return Simulated.bySettings(failed)
    if (going.some(({ quotaSpent }) => quotaSpent)) return Simulated.quotaSpent(failed)
    const endsIn = quota.endOfMinute(at)
    const storm = going.find(({ rateLimit }) => quota.used(at) >= (rateLimit?.requestsPerMinute ?? Infinity))?.rateLimit
    if (storm !== undefined) return Simulated.rateLimited(storm.retryAfter ? Math.ceil(endsIn) : undefined)(failed)
    const within = quota.used(at) < (limit ?? Infinity)
    if (within) quota.use(at)
    const told = (reply: Simulated.SimulatedReply): Simulated.SimulatedReply =>
      limit === undefined || fields?.rateLimitHeaders === false
        ? reply
        : Simulated.withAllowance({ limit, remaining: Math.max(0, limit - quota.used(at)), resetMs: endsIn }, reply)
    if (!within) return told(Simulated.rateLimited(Math.ceil(endsIn)))(failed)
    const error = first(going, ({ errors }) => (chance.happens(errors?.share ?? 0) ? errors?.how : undefined))
    if (error !== undefined) return outages[error](failed)
    if (going.some(({ malformed = 0 }) => chance.happens(malformed))) return told(Simulated.garbled)(failed)

    const size = sizeOf(request)
    const interval = tokenInterval * slowness
    const waited = line?.join(at, firstToken + (size.answer - 1) * interval) ?? 0
    const asked = {
      ...request,
      settings: { ...request.settings, latency: waited + firstToken, tokenInterval: interval }
    }
    const breaks = SimulatedSize.streams(request) && going.some((event) => chance.happens(event.breaks ?? 0))
    return told(breaks ? SimulatedSize.cutAfter(1 + chance.below(size.answer), gap) : SimulatedSize.sized(size, gap))(
      asked
    )
  }
}

/** The body of a request that says itself what it will cost: no words have to be made up, sent and counted. */
export const body = (
  model: string,
  streamed: boolean,
  { answer, prompt }: SimulatedSize.Size,
  user: string | undefined
): Readonly<Record<string, unknown>> => ({
  model,
  messages: [{ role: "user", content: "simulated" }],
  metadata: { prompt_tokens: String(prompt), answer_tokens: String(answer) },
  ...(streamed ? { stream: true } : {}),
  ...(user === undefined ? {} : { user })
})

const sizeOf = (request: Simulated.SimulatedRequest): SimulatedSize.Size => {
  const { answer_tokens, prompt_tokens } = Json.record(request.body?.["metadata"])
  return { prompt: Number(prompt_tokens ?? 1), answer: Number(answer_tokens ?? 1) }
}

const outages: Readonly<Record<OutageKind, Simulated.SimulatedReply>> = {
  refused: Simulated.refused,
  hang: Simulated.hang,
  500: Simulated.serverError,
  503: Simulated.unavailable
}

const first = <A, B>(all: ReadonlyArray<A>, of: (each: A) => B | undefined): B | undefined => {
  for (const each of all) {
    const found = of(each)
    if (found !== undefined) return found
  }
  return undefined
}

const minute = 60_000

/** Calls of a calendar minute. */
class MinuteLimit {
  private current = 0
  private calls = 0

  used(at: number): number {
    const now = Math.floor(at / minute)
    if (now !== this.current) {
      this.current = now
      this.calls = 0
    }
    return this.calls
  }

  use(at: number): void {
    this.calls = this.used(at) + 1
  }

  /** From now, in ms. */
  endOfMinute(at: number): number {
    return minute - (at % minute)
  }
}

/** Places at which one answer after the other is made. Nobody leaves it early: a provider hears late that a caller did. */
class Line {
  private readonly freeAt: Array<number>

  constructor(places: number) {
    this.freeAt = Array.from({ length: places }, () => 0)
  }

  /** How long it takes to get a place for so long, in ms. */
  join(at: number, length: number): number {
    let best = 0
    for (let place = 1; place < this.freeAt.length; place++) {
      if ((this.freeAt[place] ?? 0) < (this.freeAt[best] ?? 0)) best = place
    }
    const begins = Math.max(at, this.freeAt[best] ?? 0)
    this.freeAt[best] = begins + length
    return begins - at
  }
}
