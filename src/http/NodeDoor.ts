import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import type { Caller } from "../domain/Caller.js"
import type { RequestLog } from "../store/RequestLog.js"
import * as AccessLog from "./AccessLog.js"
import * as ErrorWire from "./ErrorWire.js"
import { pathOf, type Guard } from "./Guard.js"
import type { Handler, Handling } from "./Handler.js"
import * as HttpRefusal from "./HttpRefusal.js"
import type { InboundOf } from "./Inbounds.js"
import * as NodeBody from "./NodeBody.js"
import type { Readiness } from "./Readiness.js"
import * as Replies from "./Replies.js"
import * as RequestRows from "./RequestRows.js"
import { noFacts, type Inbound, type StreamBody, type WireReply } from "./WireReply.js"

export interface Door {
  /** By path; all are POST. */
  readonly handlers: ReadonlyMap<string, Handler>
  /** Everything else. */
  readonly otherwise: RequestListener
  readonly guard: Guard
  readonly inboundOf: InboundOf
  /** In bytes, at this moment. */
  readonly bodyLimit: () => number
  readonly readiness: Readiness["Type"]
  readonly log: AccessLog.AccessLog["Type"]
  readonly requests: RequestLog["Type"]
  readonly runtime: Runtime.Runtime<never>
}

/** The short way from `node:http` to the chat handlers: no fiber as long as the first call to a provider succeeds. */
export const make =
  (door: Door): RequestListener =>
  (request, response) => {
    const path = pathOf(request.url ?? "/")
    const handler = request.method === "POST" ? door.handlers.get(path) : undefined
    if (handler === undefined) {
      const cut = (): void => void response.destroy()
      door.readiness.enter(cut)
      response.on("close", () => door.readiness.leave(cut))
      return door.otherwise(request, response)
    }
    const inbound = door.inboundOf("POST", request.url ?? "/", request.headers)
    const visit = new Visit(door, inbound, path, request, response)
    const caller = door.readiness.draining() ? HttpRefusal.draining : door.guard(inbound)
    if (caller instanceof HttpRefusal.HttpRefusal) {
      request.resume()
      return visit.write(Replies.refuse(inbound, caller))
    }
    visit.caller = caller
    NodeBody.read(request, door.bodyLimit(), (body) => {
      if (body instanceof HttpRefusal.HttpRefusal) visit.writeBeforeEnd(Replies.refuse(inbound, body))
      else visit.begin(handler, caller, body)
    })
  }

/** One request on its way to its answer, until its response is closed. */
class Visit {
  private handling: Handling | undefined = undefined
  /** What followed on the first call's failure. */
  private fiber: Fiber.RuntimeFiber<WireReply> | undefined = undefined
  private stream: StreamBody | undefined = undefined
  private logged = false
  /** Who was let in. */
  caller: Caller | undefined = undefined

  constructor(
    private readonly door: Door,
    private readonly inbound: Inbound,
    private readonly path: string,
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse
  ) {
    door.readiness.enter(this.cut)
    response.on("close", this.closed)
  }

  begin(handler: Handler, caller: Caller, body: Buffer): void {
    // These are callbacks of sockets: what is thrown here would end the process, or leave the request without an answer.
    const guarded = (run: () => void): void => {
      try {
        run()
      } catch (defect) {
        this.follow(Replies.ofDefect(defect, this.inbound))
      }
    }
    guarded(() => {
      this.handling = handler(this.inbound, caller, body, (reply) =>
        guarded(() => (Either.isRight(reply) ? this.write(reply.right) : this.follow(reply.left)))
      )
    })
  }

  write(reply: WireReply): void {
    const { response } = this
    const { body } = reply
    if (response.destroyed) this.log(AccessLog.hungUp, body instanceof Uint8Array ? reply.facts : body.cancel())
    else if (body instanceof Uint8Array) {
      this.log(reply.status, reply.facts)
      response.writeHead(reply.status, { ...reply.headers, "content-length": body.byteLength })
      response.end(body)
    } else this.pump(reply, body)
  }

  /** The client may still be sending: it gets the answer now, and the connection is closed when it is done. */
  writeBeforeEnd(reply: WireReply): void {
    const { request, response } = this
    const body = reply.body instanceof Uint8Array ? reply.body : Buffer.alloc(0)
    this.log(reply.status, reply.facts)
    response.writeHead(reply.status, { ...reply.headers, "content-length": body.byteLength, connection: "close" })
    response.write(body)
    const finish = (): void => {
      clearTimeout(timer)
      response.end()
    }
    const timer = setTimeout(finish, NodeBody.lingering)
    response.on("close", () => clearTimeout(timer))
    if (request.readableEnded) finish()
    else request.once("end", finish)
  }

  private pump(reply: WireReply, body: StreamBody): void {
    const { response } = this
    this.stream = body
    response.writeHead(reply.status, reply.headers)
    response.on("drain", body.resume)
    body.start({
      write: (frames) => {
        let room = true
        if (frames.length > 1) response.cork()
        for (const frame of frames) room = response.write(frame)
        if (frames.length > 1) response.uncork()
        if (!room) body.pause()
      },
      end: (facts) => {
        this.stream = undefined
        this.log(reply.status, facts)
        response.end()
      }
    })
  }

  private follow(reply: Effect.Effect<WireReply>): void {
    this.fiber = Runtime.runFork(this.door.runtime)(Effect.annotateLogs(reply, { request: this.inbound.id }))
    this.fiber.addObserver((exit) => {
      this.fiber = undefined
      if (this.response.headersSent && Exit.isFailure(exit)) return
      if (Exit.isFailure(exit)) this.cancelled()
      else if (!this.response.headersSent) this.write(exit.value)
      else this.response.destroy()
    })
  }

  /** The drain is over: whoever still waits is told so, a stream by an error and without a clean end. */
  private readonly cut = (): void => {
    const { response, stream } = this
    this.stop()
    if (stream === undefined) {
      // A whole answer that is only slow to be read can be told nothing more.
      if (!response.headersSent) this.write(Replies.refuse(this.inbound, HttpRefusal.draining))
      return
    }
    this.stream = undefined
    this.log(response.statusCode, { ...stream.cancel(), failure: HttpRefusal.draining.code })
    response.end(Replies.errorFrame(this.inbound, ErrorWire.make(HttpRefusal.draining, false).error))
  }

  private stop(): void {
    this.handling?.cancel()
    this.fiber?.unsafeInterruptAsFork(this.fiber.id())
  }

  private readonly closed = (): void => {
    this.door.readiness.leave(this.cut)
    if (this.response.writableFinished) return
    this.stop()
    if (this.stream !== undefined) this.log(AccessLog.hungUp, this.stream.cancel())
    else if (this.fiber === undefined) this.cancelled()
  }

  private cancelled(): void {
    this.log(AccessLog.hungUp, { ...(this.handling?.facts() ?? noFacts), failure: "cancelled" })
    this.response.destroy()
  }

  private log(status: number, facts: WireReply["facts"]): void {
    if (this.logged) return
    this.logged = true
    const line = AccessLog.line(this.inbound, this.path, status, facts)
    this.door.log.write(line)
    // Strangers fill no table.
    if (this.caller !== undefined) {
      this.door.requests.write(RequestRows.make(line, this.inbound, this.caller, facts))
    }
  }
}
