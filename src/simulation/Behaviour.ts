import type { InstanceSettings } from "../config/Settings.js"
import * as Money from "../domain/Money.js"
import * as Json from "../protocol/Json.js"
import * as Simulated from "../provider/SimulatedReply.js"
import * as SimulatedSize from "../provider/SimulatedSize.js"
import { spreadOf } from "./Arrivals.js"
import type { Arrival } from "./Arrivals.js"
import { priceOf, type Bill } from "./Bill.js"
import { constant, type Chance } from "./Chance.js"
import * as Event from "./Event.js"
import type { BehaviourFields, EventFields, OutageKind } from "./ScenarioFile.js"

/** What an instance has to know of its world. */
export interface Surroundings {
  readonly events: ReadonlyArray<EventFields>
  readonly chance: Chance
  /** In ms from the start. */
  readonly now: () => number
  /** Gets the bill of each call, when it is over. */
  readonly billed: (bill: Bill) => void
}

/** One end of the wire. */
export interface Behaviour {
  readonly reply: Simulated.SimulatedReply
  /** A call is over; so many of its events have happened. */
  readonly over: (call: number, played: number) => void
}

/** How an instance answers each call, as its behaviour says and as it goes in the timeline, and what it bills. */
export const make = (
  instance: InstanceSettings,
  fields: BehaviourFields | undefined,
  { billed, chance, events, now }: Surroundings
): Behaviour => {
  const own = instance.simulated
  const latency = fields?.firstToken === undefined ? constant(own.latency) : spreadOf(fields.firstToken)
  const tokenInterval = fields?.tokenInterval ?? own.tokenInterval
  const errorLatency = fields?.errorLatency ?? Math.min(50, own.latency)
  // Often enough that nobody takes it for silence.
  const gap = Math.max(1, instance.timeouts.idle / 2)
  const limit = fields?.requestsPerMinute
  const quota = new MinuteLimit()
  const line = fields?.concurrency === undefined ? undefined : new Line(fields.concurrency)
  const underWay = new Map<number, UnderWay>()

  const reply: Simulated.SimulatedReply = (request) => {
    const at = now()
    const asked = (work: Work | undefined): void => {
      const model = String(request.body?.["model"])
      underWay.set(request.call, {
        at,
        model,
        request: numberOf(request),
        streams: SimulatedSize.streams(request),
        work
      })
    }
    if (request.method !== "GET") asked(undefined)
    const going = events.filter((event) => Event.isOn(event, at))
    const slowness = going.reduce((product, event) => product * Event.slowness(event, at), 1)
    const firstToken = chance.of(latency) * slowness
    const interval = tokenInterval * slowness
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
    const told = (given: Simulated.SimulatedReply): Simulated.SimulatedReply =>
      limit === undefined || fields?.rateLimitHeaders === false
        ? given
        : Simulated.withAllowance({ limit, remaining: Math.max(0, limit - quota.used(at)), resetMs: endsIn }, given)
    if (!within) return told(Simulated.rateLimited(Math.ceil(endsIn)))(failed)
    const error = first(going, ({ errors }) => (chance.happens(errors?.share ?? 0) ? errors?.how : undefined))
    if (error !== undefined) return outages[error](failed)
    if (going.some(({ malformed = 0 }) => chance.happens(malformed))) {
      asked({ size: { ...sizeOf(request), answer: 0 }, firstToken: at, interval, events: undefined, cutAt: undefined })
      return told(Simulated.garbled)(failed)
    }

    const size = sizeOf(request)
    const waited = line?.join(at, firstToken + (size.answer - 1) * interval) ?? 0
    const slowed = {
      ...request,
      settings: { ...request.settings, latency: waited + firstToken, tokenInterval: interval }
    }
    const breaks = SimulatedSize.streams(request) && going.some((event) => chance.happens(event.breaks ?? 0))
    const cutAt = breaks ? 1 + chance.below(size.answer) : undefined
    const played = told(cutAt === undefined ? SimulatedSize.sized(size, gap) : SimulatedSize.cutAfter(cutAt, gap))(
      slowed
    )
    asked({ size, firstToken: at + waited + firstToken, interval, events: played.length, cutAt })
    return played
  }

  return {
    reply,
    over: (call, played) => {
      const made = underWay.get(call)
      if (made === undefined) return
      underWay.delete(call)
      const { at, model, request, work } = made
      const whole = { request, instance: instance.id, model, at }
      if (work === undefined) {
        return billed({ ...whole, end: "refused", used: { prompt: 0, answer: 0 }, cost: Money.zero, said: 0 })
      }
      const { cutAt, events: all, firstToken, interval, size } = work
      // The last thing that happens is that the connection is closed.
      const isAnswered = cutAt === undefined && all !== undefined && played >= all - 1
      const said =
        all === undefined || !made.streams ? 0 : SimulatedSize.charactersIn(played, cutAt ?? size.answer, interval, gap)
      const used = isAnswered
        ? size
        : { prompt: size.prompt, answer: Math.min(cutAt ?? size.answer, madeBy(now() - firstToken, interval)) }
      billed({ ...whole, end: isAnswered ? "answered" : "cut", used, cost: priceOf(instance, model, used), said })
    }
  }
}

/** What it takes to answer a call. Times in ms from the start. */
interface Work {
  readonly size: SimulatedSize.Size
  readonly firstToken: number
  readonly interval: number
  /** How much will happen; `undefined`: nothing that is an answer. */
  readonly events: number | undefined
  /** The connection is lost after so many tokens. */
  readonly cutAt: number | undefined
}

interface UnderWay {
  readonly at: number
  readonly model: string
  readonly request: string | undefined
  readonly streams: boolean
  /** `undefined`: it is not answered. */
  readonly work: Work | undefined
}

/** Tokens that are made so long after the time of the first one, in ms. */
const madeBy = (ms: number, interval: number): number =>
  ms < 0 ? 0 : interval === 0 ? Number.POSITIVE_INFINITY : 1 + Math.floor(ms / interval)

/** The body of a request that says itself what it will cost, and is as long as a prompt of so many tokens is in English. */
export const body = (
  model: string,
  { size: { answer, prompt }, streamed, user }: Pick<Arrival, "size" | "streamed" | "user">,
  { maxTokens, number }: { readonly maxTokens?: number | undefined; readonly number?: number }
): Readonly<Record<string, unknown>> => ({
  model,
  messages: [{ role: "user", content: filler.repeat(Math.max(1, Math.floor((4 * prompt - around) / filler.length))) }],
  metadata: {
    prompt_tokens: String(prompt),
    answer_tokens: String(answer),
    ...(number === undefined ? {} : { request: String(number) })
  },
  ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
  ...(streamed ? { stream: true } : {}),
  ...(user === undefined ? {} : { user })
})

const filler = "simulated "

/** Characters of a body besides its text. */
const around = 160

const sizeOf = ({ body: asked }: Simulated.SimulatedRequest): SimulatedSize.Size => {
  const { answer_tokens, prompt_tokens } = Json.record(asked?.["metadata"])
  const [, ...more] = Json.list(asked?.["messages"])
  const bound = Json.number(asked?.["max_tokens"] ?? asked?.["max_completion_tokens"]) ?? Number.POSITIVE_INFINITY
  // An answer that broke is sent along by whoever asks for the rest of it.
  const added = more.length === 0 ? 0 : Math.ceil(JSON.stringify(more).length / 4)
  return { prompt: Number(prompt_tokens ?? 1) + added, answer: Math.min(bound, Number(answer_tokens ?? 1)) }
}

const numberOf = ({ body: asked }: Simulated.SimulatedRequest): string | undefined =>
  Json.text(Json.record(asked?.["metadata"])["request"])

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
