import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createServer } from "node:net"
import { atLast, eventually, launch, type Launched, type Setting } from "./command.js"

/** A process of the built gateway that takes requests. */
export interface Serving extends Launched {
  readonly url: string
  /** From its launch until it took requests, in ms. */
  readonly readyAfter: number
}

/** An HTTP answer. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** Starts a gateway on a free port, and waits until it is ready. */
export const serve = (
  setting: Setting = {},
  args: ReadonlyArray<string> = []
): Effect.Effect<Serving, never, Scope.Scope> =>
  Effect.gen(function* () {
    const port = yield* freePort
    const began = performance.now()
    const launched = yield* launch(["start", "--port", String(port), ...args], setting)
    const url = `http://127.0.0.1:${port}`
    yield* isReady(url, launched)
    return { ...launched, url, readyAfter: performance.now() - began }
  })

/** Waits until a gateway takes requests; dies with its last words when it ends instead. */
export const isReady = (url: string, launched: Launched): Effect.Effect<void> =>
  Effect.raceFirst(
    eventually(
      () => `${url} to be ready: ${launched.stdout()}\n${launched.stderr()}`,
      Effect.filterOrFail(get(`${url}/readyz`), ({ status }) => status === 200)
    ),
    Effect.flatMap(launched.ended, ({ stderr, stdout }) => Effect.die(new Error(`it ended: ${stdout}\n${stderr}`)))
  )

/** Waits until a gateway has its database. */
export const isWell = (gateway: Serving): Effect.Effect<unknown> =>
  atLast(
    () => `a database that is up: ${gateway.stdout()}`,
    Effect.filterOrFail(
      get(`${gateway.url}/health`),
      ({ text }) => text.includes('"database":true') && text.includes('"ok"')
    )
  )

/** Waits until a gateway that was told to stop says so. */
export const isDraining = (url: string): Effect.Effect<void> =>
  eventually(
    () => `${url} to be draining`,
    Effect.filterOrFail(get(`${url}/readyz`), ({ status }) => status === 503)
  )

/** Fails when nobody listens. */
export const get = (url: string, headers: Readonly<Record<string, string>> = {}): Effect.Effect<Answer, Error> =>
  fetching(url, { headers })

/** A chat request about `gpt-4o-mini`, with whatever else a test needs. */
export const chat = (
  url: string,
  fields: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {}
): Effect.Effect<Answer, Error> => fetching(`${url}/v1/chat/completions`, post(fields, headers))

/** A streamed chat answer that has begun: its first piece, and the whole when it has ended. */
export const stream = (
  url: string
): Effect.Effect<{ readonly first: string; readonly whole: Effect.Effect<string, Error> }, Error> =>
  Effect.gen(function* () {
    const response = yield* attempt(() => fetch(`${url}/v1/chat/completions`, post({ stream: true }, {})))
    const reader = (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader()
    const next = attempt(() => reader.read())
    const { value: first = "" } = yield* next
    const rest: Effect.Effect<string, Error> = Effect.flatMap(next, ({ done, value }) =>
      done ? Effect.succeed("") : Effect.map(rest, (after) => `${value}${after}`)
    )
    return { first, whole: Effect.map(rest, (after) => first + after) }
  })

/** A port of this machine that nobody listens on. */
export const freePort: Effect.Effect<number> = Effect.async((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    server.close(() => resume(Effect.succeed(port)))
  })
})

const post = (fields: Readonly<Record<string, unknown>>, headers: Readonly<Record<string, string>>): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify({ model: "gpt-4o-mini", messages: [{ role: "user", content: "Hello" }], ...fields })
})

const fetching = (url: string, init: RequestInit): Effect.Effect<Answer, Error> =>
  attempt(async () => {
    const response = await fetch(url, init)
    return { status: response.status, headers: response.headers, text: await response.text() }
  })

const attempt = <A>(evaluate: () => Promise<A>): Effect.Effect<A, Error> =>
  Effect.tryPromise({ try: evaluate, catch: (cause) => new Error("no answer", { cause }) })
