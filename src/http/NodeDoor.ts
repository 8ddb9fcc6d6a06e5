import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import type { Caller } from "../domain/Caller.js"
import * as AccessLog from "./AccessLog.js"
import { pathOf, type Guard } from "./Guard.js"
import * as HttpRefusal from "./HttpRefusal.js"
import * as Inbounds from "./Inbounds.js"
import * as NodeBody from "./NodeBody.js"
import type { Readiness } from "./Readiness.js"
import * as Replies from "./Replies.js"
import { noFacts, type Inbound, type StreamBody, type WireReply } from "./WireReply.js"

/** Answers a request whose body has been read. */
export type Handler = (inbound: Inbound, caller: Caller, body: Buffer) => Effect.Effect<WireReply>

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

/** The short way from `node:http` to the chat handlers: one fiber a request, and none for the bytes of a stream. */
export const make = (door: Door): RequestListener => {
  const runFork = Runtime.runFork(door.runtime)
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
      else visit.follow(runFork(handler(inbound, caller, body)))
    })
  }
}

/** A request that arrives too slowly to be thrown away is cut off after this, in ms. */
const lingering = 10_000

/** One request on its way to its answer, until its response is closed. */
class Visit {
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

  follow(fiber: Fiber.RuntimeFiber<WireReply>): void {
    this.fiber = fiber
    fiber.addObserver((exit) => {
      this.fiber = undefined
      if (Exit.isSuccess(exit)) this.write(exit.value)
      else this.gone()
    })
  }

  write(reply: WireReply): void {
    const { response } = this
    const { body } = reply
    if (body instanceof Uint8Array) {
      this.log(reply.status, reply.facts)
      response.writeHead(reply.status, { ...reply.headers, "content-length": body.byteLength })
      response.end(body)
    } else if (response.destroyed) this.log(hungUp, body.cancel())
    else this.pump(reply, body)
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

  private readonly closed = (): void => {
    if (this.response.writableFinished) return
    if (this.stream !== undefined) this.log(hungUp, this.stream.cancel())
    else if (this.fiber === undefined) this.gone()
    else this.fiber.unsafeInterruptAsFork(this.fiber.id())
  }

  private gone(): void {
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
