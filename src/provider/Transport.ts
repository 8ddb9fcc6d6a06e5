import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Agent, type Dispatcher } from "undici"
import * as ErrorCode from "../domain/ErrorCode.js"
import type { Timers } from "./Timers.js"

/** One HTTP request to a provider. */
export interface Outgoing {
  /** `https://api.openai.com` */
  readonly origin: string
  readonly path: string
  readonly method: "GET" | "POST"
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
}

/** Header names in lower case. */
export type IncomingHeaders = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

/**
 * What happens to a request, in order: `onConnected`, `onHead`, any `onData`, and exactly one of `onEnd` and `onFailure`.
 * Nothing comes after an `abort`.
 */
export interface Incoming {
  readonly onConnected: () => void
  readonly onHead: (status: number, headers: IncomingHeaders) => void
  readonly onData: (chunk: Buffer) => void
  readonly onEnd: () => void
  readonly onFailure: (failure: TransportFailure) => void
}

/** A request under way. */
export interface Exchange {
  /** Stops reading from the provider; its sender waits. */
  readonly pause: () => void
  readonly resume: () => void
  /** Closes the provider's socket at once. */
  readonly abort: () => void
}

/** Why there was no answer, or only part of one; a sentence without addresses. */
export interface TransportFailure {
  readonly message: string
}

/** The only code that touches the network. */
export class Transport extends Context.Tag("orelse/Transport")<
  Transport,
  { readonly exchange: (outgoing: Outgoing, incoming: Incoming, timers: Timers) => Exchange }
>() {
  /** undici with a pool an origin; its sockets are closed with the scope. */
  static readonly layer: Layer.Layer<Transport> = Layer.scoped(
    Transport,
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(
          // The limits are the Watchdog's; undici's own are a second late and see comments as life. A connection that
          // nobody waits for any more is given up after a while.
          () => new Agent({ connect: { timeout: 30_000 }, headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 15_000 })
        ),
        (agent) => Effect.promise(() => agent.destroy())
      ),
      (agent) => ({ exchange: (outgoing, incoming) => new UndiciExchange(agent, outgoing, incoming) })
    )
  )
}

class UndiciExchange implements Exchange, Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined = undefined
  private aborted = false

  constructor(
    agent: Agent,
    outgoing: Outgoing,
    private readonly incoming: Incoming
  ) {
    agent.dispatch({ ...outgoing, body: outgoing.body ?? null }, this)
  }

  pause = (): void => {
    this.controller?.pause()
  }

  resume = (): void => {
    this.controller?.resume()
  }

  abort = (): void => {
    if (this.aborted) return
    this.aborted = true
    this.controller?.abort(new Error("aborted"))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    if (this.aborted) controller.abort(new Error("aborted"))
    else this.incoming.onConnected()
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHeaders): void {
    if (!this.aborted && status >= 200) this.incoming.onHead(status, headers)
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.aborted) this.incoming.onData(chunk)
  }

  onResponseEnd(): void {
    if (!this.aborted) this.incoming.onEnd()
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    if (!this.aborted) this.incoming.onFailure({ message: sentence(error) })
  }
}

const sentences: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was reset",
  EPIPE: "the connection was closed while sending",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name could not be looked up",
  ETIMEDOUT: "the connection timed out",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  UND_ERR_CONNECT_TIMEOUT: "the connection timed out",
  UND_ERR_SOCKET: "the connection was closed by the other side",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "the answer was cut short"
}

const sentence = (error: Error): string => {
  const code = codeOf(error)
  if (code === undefined) return "the connection failed"
  if (code.startsWith("HPE_")) return "the answer is not HTTP"
  if (code.includes("CERT") || code.startsWith("ERR_TLS") || code.startsWith("ERR_SSL")) {
    return `the certificate was not accepted (${code})`
  }
  return sentences[code] ?? `the connection failed (${code})`
}

/** Happy eyeballs collects one error an address; they mostly agree. */
const codeOf = (error: unknown): string | undefined => {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  return ErrorCode.of(error)
}
