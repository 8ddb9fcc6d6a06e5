import * as Effect from "effect/Effect"
import { setTimeout as sleep } from "node:timers/promises"
import { Pool, type Dispatcher } from "undici"

/** How one request ended. */
export interface Answered {
  /** 0: without an answer. */
  readonly status: number
  /** Who served it, and after how many calls. */
  readonly instance: string | undefined
  readonly attempts: number
  /** In seconds. */
  readonly retryAfter: number | undefined
  /** Its `x-request-id`. */
  readonly id: string | undefined
  /** What it said in its `user`: the number of the request. */
  readonly mark: string
  /** A stream to its `[DONE]`, or a whole answer. */
  readonly complete: boolean
  /** From its start to its last byte, in ms. */
  readonly ms: number
  /** When it began, in ms of `performance.now()`. */
  readonly at: number
}

/** What is asked, and how much of it. */
export interface Load {
  readonly model: string
  readonly stream?: boolean
  /** Each sends its next request when the last is answered. */
  readonly connections: number
  /** May another request be sent, after so many? */
  readonly goesOn: (sent: number) => boolean
  /** Between an answer and the next request, in ms. */
  readonly pause?: number
  /** Hangs up after so many ms, where there is no answer by then. */
  readonly patience?: number
}

/** What is asked on a schedule, whatever the answers take. */
export interface Paced {
  readonly model: string
  /** Requests a second. */
  readonly rate: number
  /** Is another request sent? */
  readonly goesOn: () => boolean
  /** The number of the first one. */
  readonly from?: number
  /** Is the one of this number asked for as a stream? None is, unless it says so. */
  readonly isStream?: (number: number) => boolean
  /** In tokens, of each answer. */
  readonly maxTokens?: number
  /** Is the number of a request its `x-request-id` too? */
  readonly isNamed?: boolean
  /** Hears of each answer at once. */
  readonly answered?: (answer: Answered) => void
}

/** So many requests. */
export const times =
  (count: number) =>
  (sent: number): boolean =>
    sent < count

/** Asks a gateway over real sockets, and tells how each request ended, in the order of their ends. */
export const load = (url: string, asked: Load): Effect.Effect<ReadonlyArray<Answered>> =>
  Effect.acquireUseRelease(
    Effect.sync(() => new Pool(url, { connections: asked.connections, pipelining: 1 })),
    (pool) => Effect.promise(() => through(pool, asked)),
    (pool) => Effect.promise(() => pool.destroy())
  )

/** Asks on a schedule, and tells how each request ended, in the order of their ends. */
export const paced = (url: string, asked: Paced): Effect.Effect<ReadonlyArray<Answered>> =>
  Effect.acquireUseRelease(
    Effect.sync(() => new Pool(url, { connections: 64, pipelining: 1 })),
    (pool) => Effect.promise(() => onSchedule(pool, asked)),
    (pool) => Effect.promise(() => pool.destroy())
  )

/** The value that so large a share of the values does not exceed. */
export const quantile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN

const onSchedule = async (
  pool: Pool,
  { answered, from = 0, goesOn, isNamed, isStream, maxTokens, model, rate }: Paced
) => {
  const answers: Array<Answered> = []
  const underWay: Array<Promise<unknown>> = []
  const heard = async (asking: Promise<Answered>): Promise<void> => {
    const answer = await asking
    answers.push(answer)
    answered?.(answer)
  }
  const began = performance.now()
  while (goesOn()) {
    const due = ((performance.now() - began) / 1000) * rate
    while (underWay.length < due) {
      const number = from + underWay.length
      const mark = String(number)
      const headers = isNamed === true ? { ...sentHeaders, "x-request-id": mark } : sentHeaders
      const body = bodyOf(model, isStream?.(number) === true, mark, maxTokens)
      const asking = new Promise<Answered>((resolve) => new Asking(pool, body, mark, undefined, resolve, headers))
      underWay.push(heard(asking))
    }
    await sleep(2)
  }
  await Promise.all(underWay)
  return answers
}

const bodyOf = (model: string, stream: boolean, user: string, maxTokens?: number): string =>
  JSON.stringify({ model, stream, user, max_tokens: maxTokens, messages: [{ role: "user", content: "Are you well?" }] })

const through = async (pool: Pool, { connections, goesOn, model, patience, pause, stream }: Load) => {
  const body = bodyOf(model, stream === true, "")
  const answers: Array<Answered> = []
  let sent = 0
  const worker = async (): Promise<void> => {
    while (goesOn(sent)) {
      sent++
      answers.push(await new Promise((resolve) => new Asking(pool, body, "", patience, resolve)))
      if (pause !== undefined) await sleep(pause)
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  return answers
}

/** One request. It costs a fraction of what `fetch` does, so that on two cores the gateway is what is measured. */
class Asking implements Dispatcher.DispatchHandler {
  private readonly at = performance.now()
  private readonly timer: NodeJS.Timeout | undefined
  private controller: Dispatcher.DispatchController | undefined = undefined
  private hungUp = false
  private status = 0
  private headers: IncomingHeaders = {}
  private last = ""

  constructor(
    pool: Pool,
    body: string,
    private readonly mark: string,
    patience: number | undefined,
    private readonly done: (answered: Answered) => void,
    headers: Readonly<Record<string, string>> = sentHeaders
  ) {
    if (patience !== undefined) this.timer = setTimeout(this.hangUp, patience)
    pool.dispatch({ path: "/v1/chat/completions", method: "POST", headers, body }, this)
  }

  private readonly hangUp = (): void => {
    this.hungUp = true
    this.controller?.abort(new Error("hung up"))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    if (this.hungUp) this.hangUp()
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHeaders): void {
    this.status = status
    this.headers = headers
  }

  onResponseData(_: Dispatcher.DispatchController, piece: Buffer): void {
    this.last = (this.last + piece.toString("latin1")).slice(-done.length)
  }

  onResponseEnd(): void {
    this.end(true)
  }

  onResponseError(): void {
    this.end(false)
  }

  private end(ended: boolean): void {
    clearTimeout(this.timer)
    const text = (name: string): string | undefined => this.headers[name]?.toString()
    const streamed = text("content-type")?.startsWith("text/event-stream") === true
    const retryAfter = text("retry-after")
    this.done({
      status: this.status,
      instance: text("x-orelse-instance"),
      attempts: Number(text("x-orelse-attempts")),
      retryAfter: retryAfter === undefined ? undefined : Number(retryAfter),
      id: text("x-request-id"),
      mark: this.mark,
      complete: ended && (!streamed || this.last === done),
      ms: performance.now() - this.at,
      at: this.at
    })
  }
}

type IncomingHeaders = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

const sentHeaders = { "content-type": "application/json" }

const done = "data: [DONE]\n\n"
