import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as http from "node:http"
import { buffer } from "node:stream/consumers"
import type { Running } from "../support/server.js"

/** An answer, read to its end. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Buffer
}

/** One request by `fetch`. It is broken off when the effect is interrupted. */
export const ask = (gateway: Running, path: string, init: RequestInit = {}): Effect.Effect<Answer> =>
  Effect.promise(async (signal) => {
    const response = await fetch(gateway.url + path, { ...init, signal })
    return {
      status: response.status,
      headers: response.headers,
      body: Buffer.from(await response.arrayBuffer())
    }
  })

/** One request by `node:http`, for headers that `fetch` sets itself. */
export const knock = (
  gateway: Running,
  path: string,
  { body = "", headers = {}, method = "POST" }: Knock
): Effect.Effect<Answer> =>
  Effect.promise(async () => {
    const request = http.request({ host: "127.0.0.1", port: gateway.port, path, method, headers }).end(body)
    const response = await new Promise<http.IncomingMessage>((resolve) => request.once("response", resolve))
    const named = Object.entries(response.headers).map(([name, value]): [string, string] => [name, String(value)])
    return { status: response.statusCode ?? 0, headers: new Headers(named), body: await buffer(response) }
  })

export interface Knock {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A chat request for `m`; a text is sent as it is. */
export const chat = (
  gateway: Running,
  fields: Readonly<Record<string, unknown>> | string = {},
  headers: Readonly<Record<string, string>> = {}
): Effect.Effect<Answer> =>
  ask(gateway, "/v1/chat/completions", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof fields === "string" ? fields : bodyOf(fields)
  })

/** A stream that a test reads as far as it wants. */
export interface Reading {
  readonly status: number
  /** The next piece; `undefined` after the end. Dies when the connection broke. */
  readonly piece: Effect.Effect<string | undefined>
  /** Everything else, to the end. */
  readonly rest: Effect.Effect<string>
  /** Hangs up. */
  readonly leave: Effect.Effect<void>
}

/** A chat request whose answer has begun; it is left with the scope. */
export const open = (
  gateway: Running,
  fields: Readonly<Record<string, unknown>> = streaming
): Effect.Effect<Reading, never, Scope.Scope> =>
  Effect.gen(function* () {
    const left = new AbortController()
    const leave = Effect.sync(() => left.abort())
    yield* Effect.addFinalizer(() => leave)
    const response = yield* Effect.promise(() =>
      fetch(`${gateway.url}/v1/chat/completions`, { method: "POST", body: bodyOf(fields), signal: left.signal })
    )
    const pieces = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    const piece = Effect.promise(async () => (await pieces?.read())?.value)
    const rest: Effect.Effect<string> = Effect.flatMap(piece, (text) =>
      text === undefined ? Effect.succeed("") : Effect.map(rest, (more) => text + more)
    )
    return { status: response.status, piece, rest, leave }
  })

/** The JSON of a chat request for `m`. */
export const bodyOf = (fields: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({ model: "m", messages: [{ role: "user", content: "hi" }], ...fields })

/** What a caller says who wants a stream and its usage. */
export const streaming = { stream: true, stream_options: { include_usage: true } }

/** A value inside an answer's JSON; `undefined` where there is none. */
export const at = (answer: Answer, ...path: ReadonlyArray<string | number>): unknown =>
  path.reduce(member, JSON.parse(answer.body.toString("utf8")))

/** The data of a stream's events. */
export const eventsOf = (answer: Answer): ReadonlyArray<string> =>
  answer.body
    .toString("utf8")
    .split("\n\n")
    .filter((event) => event !== "")
    .map((event) => event.replace(/^data: /, ""))

const member = (value: unknown, key: string | number): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined
