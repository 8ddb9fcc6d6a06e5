import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import type { Caller } from "../domain/Caller.js"
import type { Cancel } from "../provider/Timers.js"
import * as AccessLog from "./AccessLog.js"
import { pathOf, type Guard } from "./Guard.js"
import type { Handler } from "./Handler.js"
import * as HttpRefusal from "./HttpRefusal.js"
import * as Inbounds from "./Inbounds.js"
import * as NodeBody from "./NodeBody.js"
import type { Readiness } from "./Readiness.js"
import * as Replies from "./Replies.js"
import { noFacts, type Inbound, type StreamBody, type WireReply } from "./WireReply.js"

export interface Door {
  /** By path; all are POST. */
  readonly handlers: ReadonlyMap<string, Handler>
  /** Everything else. */
  readonly otherwise: RequestListener
  readonly guard: Guard
  readonly bodyLimit: number
  readonly readiness: Readiness["Type"]
  readonly log: AccessLog.AccessLog["Type"]
  readonly runtime: Runtime.Runtime<never>
}

/** The short way from `node:http` to the chat handlers: no fiber as long as the first call to a provider succeeds. */
export const make = (door: Door): RequestListener => {
  return (request, response) => {
    door.readiness.enter()
    response.on("close", door.readiness.leave)
    const path = pathOf(request.url ?? "/")
    const handler = request.method === "POST" ? door.handlers.get(path) : undefined
    if (handler === undefined) return door.otherwise(request, response)
    const inbound = Inbounds.make("POST", request.url ?? "/", request.headers)
    const visit = new Visit(door, inbound, path, request, response)
    const caller = door.readiness.draining() ? HttpRefusal.draining : door.guard(inbound)
    if (caller instanceof HttpRefusal.HttpRefusal) {
      request.resume()
      return visit.write(Replies.refuse(inbound, caller))
    }
    NodeBody.read(request, door.bodyLimit, (body) => {
      if (body instanceof HttpRefusal.HttpRefusal) visit.writeBeforeEnd(Replies.refuse(inbound, body))
      else visit.begin(handler, caller, body)
    })
  }
}

/** A request that arrives too slowly to be thrown away is cut off after this, in ms. */
const lingering = 10_000

/** One request on its way to its answer, until its response is closed. */
class Visit {
  /** The first call, as long as it is under way. */
  private cancel: Cancel | undefined = undefined
  /** What followed on the first call's failure. */
  private fiber: Fiber.RuntimeFiber<WireReply> | undefined = undefined
  private stream: StreamBody | undefined = undefined
  private logged = false

  constructor(
    private readonly door: Door,
    private readonly inbound: Inbound,
    private readonly path: string,
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse
  ) {
    response.on("close", this.closed)
  }

  begin(handler: Handler, caller: Caller, body: Buffer): void {
    let answered = false
    const cancel = handler(this.inbound, caller, body, (reply) => {
      answered = true
      this.cancel = undefined
      if (Either.isRight(reply)) this.write(reply.right)
      else this.follow(reply.left)
    })
    if (!answered) this.cancel = cancel
  }

  write(reply: WireReply): void {
    const { response } = this
    const { body } = reply
    if (response.destroyed) this.log(hungUp, body instanceof Uint8Array ? reply.facts : body.cancel())
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
    const timer = setTimeout(finish, lingering)
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
      if (Exit.isFailure(exit)) this.cancelled()
      else this.write(exit.value)
    })
  }

  private readonly closed = (): void => {
    if (this.response.writableFinished) return
    this.cancel?.()
    if (this.stream !== undefined) this.log(hungUp, this.stream.cancel())
    else if (this.fiber === undefined) this.cancelled()
    else this.fiber.unsafeInterruptAsFork(this.fiber.id())
  }

  private cancelled(): void {
    this.log(hungUp, { ...noFacts, failure: "cancelled" })
    this.response.destroy()
  }

  private log(status: number, facts: WireReply["facts"]): void {
    if (this.logged) return
    this.logged = true
    this.door.log.write(AccessLog.line(this.inbound, this.path, status, facts))
  }
}

/** nginx's status for a client that closed its request; it is only logged. */
const hungUp = 499
