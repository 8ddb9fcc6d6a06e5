import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as http from "node:http"
import { buffer } from "node:stream/consumers"

/** One thing that a fake provider does on the wire. */
export type Step =
  | { readonly head: { readonly status: number; readonly headers: Readonly<Record<string, string>> } }
  | { readonly data: string | Uint8Array }
  /** This frame again and again, as fast as the other side takes it, until so many bytes are written. */
  | { readonly flood: Uint8Array; readonly bytes: number }
  | { readonly wait: Effect.Effect<void> }
  /** `end` is the answer's own; `close` and `reset` are the socket's, with a FIN and a RST. */
  | { readonly end: "end" | "close" | "reset" }

/** What a fake provider does with one request; without an end it hangs. */
export type Reply = (asked: Asked) => ReadonlyArray<Step>

/** What a reply may depend on. */
export interface Asked {
  /** For a stream. */
  readonly stream: boolean
  /** For the usage of a stream. */
  readonly usage: boolean
}

/** A chat request as it came in, and what became of it. */
export interface Received extends Asked {
  readonly path: string
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
  /** The other side's port: requests with the same one came over one connection. */
  readonly from: number | undefined
  /** The bytes of the answer so far, without what was flooded. */
  readonly sent: () => Buffer
  /** Bytes of the answer that the other side has made room for, the flooded ones included. */
  readonly written: () => number
  /** The other side closed the socket before the answer had ended. */
  readonly hungUp: Effect.Effect<void>
}

/** A fake provider on a real socket. */
export interface Upstream {
  /** As an instance's `baseUrl`. */
  readonly url: string
  /** Chat requests so far. */
  readonly received: ReadonlyArray<Received>
  /** The next chat request that nobody has waited for. */
  readonly next: Effect.Effect<Received>
}

/** A provider that is not there. */
export const refusing: Upstream = { url: "http://127.0.0.1:1/v1", received: [], next: Effect.never }

/** A provider that answers its nth chat request with the nth reply, and further ones with the last. It lists model `m`. */
export const make = (...script: ReadonlyArray<Reply>): Effect.Effect<Upstream, never, Scope.Scope> =>
  Effect.gen(function* () {
    const received: Array<Received> = []
    const inbox = yield* Queue.unbounded<Received>()
    const fork = yield* FiberSet.makeRuntime<never>()

    const chat = (request: http.IncomingMessage, response: http.ServerResponse): Effect.Effect<void> =>
      Effect.gen(function* () {
        const body = yield* Effect.promise(() => buffer(request))
        const visit = new Visit(request, response, body)
        const reply = script[received.length] ?? script.at(-1)
        received.push(visit)
        yield* Queue.offer(inbox, visit)
        for (const step of reply?.(visit) ?? []) yield* visit.perform(step)
      })

    const origin = yield* listen((request, response) => {
      if (request.method === "GET") response.end('{"object":"list","data":[{"id":"m","object":"model"}]}')
      else fork(chat(request, response))
    })
    return { url: `${origin}/v1`, received, next: Queue.take(inbox) }
  })

/** A server on a free port of this machine until the scope ends. */
export const listen = (listener: http.RequestListener): Effect.Effect<string, never, Scope.Scope> => {
  const server = http.createServer(listener)
  return Effect.acquireRelease(
    Effect.async<string>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        if (typeof address === "object") resume(Effect.succeed(`http://127.0.0.1:${address?.port}`))
      })
    }),
    () =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
}

interface ChatBody {
  readonly stream?: unknown
  readonly stream_options?: { readonly include_usage?: unknown } | null
}

class Visit implements Received {
  readonly path: string
  readonly headers: http.IncomingHttpHeaders
  readonly from: number | undefined
  readonly stream: boolean
  readonly usage: boolean
  readonly hungUp: Effect.Effect<void>
  private readonly pieces: Array<Uint8Array> = []
  private bytes = 0
  private ended = false

  constructor(
    private readonly request: http.IncomingMessage,
    private readonly response: http.ServerResponse,
    readonly body: Buffer
  ) {
    this.path = request.url ?? ""
    this.headers = request.headers
    this.from = request.socket.remotePort
    const view: ChatBody = JSON.parse(body.toString("utf8"))
    this.stream = view.stream === true
    this.usage = view.stream_options?.include_usage === true
    const closed = Effect.unsafeMakeLatch()
    response.once("close", () => {
      if (!this.ended) closed.unsafeOpen()
    })
    this.hungUp = closed.await
  }

  readonly sent = (): Buffer => Buffer.concat(this.pieces)

  readonly written = (): number => this.bytes

  perform(step: Step): Effect.Effect<void> {
    if ("wait" in step) return step.wait
    if ("flood" in step) return Effect.repeat(this.write(step.flood), { until: () => this.bytes >= step.bytes })
    if ("data" in step) {
      const data = Buffer.from(step.data)
      this.pieces.push(data)
      return this.write(data)
    }
    return Effect.sync(() => {
      if ("head" in step) this.response.writeHead(step.head.status, step.head.headers).flushHeaders()
      else this.end(step.end)
    })
  }

  /** Done when the bytes are out of this process; never when the other side is gone. */
  private write(data: Uint8Array): Effect.Effect<void> {
    return Effect.async((resume) => {
      this.response.write(data, (error) => {
        if (error) return
        this.bytes += data.length
        resume(Effect.void)
      })
    })
  }

  private end(how: "end" | "close" | "reset"): void {
    this.ended = true
    if (how === "end") this.response.end()
    else if (how === "close") this.request.socket.destroySoon()
    else this.request.socket.resetAndDestroy()
  }
}
