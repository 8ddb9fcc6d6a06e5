import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as net from "node:net"

/** What stands between a gateway and its database, and can keep back what it passes on. */
export interface SlowWire {
  readonly port: number
  /** From now on everything takes so many ms each way. */
  readonly takes: (ms: number) => Effect.Effect<void>
}

/** Passes on to a port of this machine. */
export const to = (port: number): Effect.Effect<SlowWire, never, Scope.Scope> =>
  Effect.gen(function* () {
    const wire = { delay: 0 }
    const sockets = new Set<net.Socket>()
    const server = net.createServer((client) => {
      const database = net.connect(port, "127.0.0.1")
      for (const [from, onto] of [
        [client, database],
        [database, client]
      ] as const) {
        sockets.add(from)
        const line = new Line(wire, onto)
        from.setNoDelay(true)
        // Its close follows.
        from.on("error", () => {})
        from.on("data", (chunk) => line.pass(chunk))
        from.on("close", () => {
          sockets.delete(from)
          line.pass(undefined)
        })
      }
    })
    yield* Effect.acquireRelease(
      Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () =>
        Effect.sync(() => {
          server.close()
          for (const socket of sockets) socket.destroy()
        })
    )
    const address = server.address()
    return {
      port: typeof address === "object" && address !== null ? address.port : 0,
      takes: (ms) => Effect.sync(() => void (wire.delay = ms))
    }
  })

/** One way of one connection: nothing overtakes what was there before, also when the delay shrinks. */
class Line {
  private readonly waiting: Array<{ readonly due: number; readonly chunk: Buffer | undefined }> = []
  private last = 0

  constructor(
    private readonly wire: { readonly delay: number },
    private readonly onto: net.Socket
  ) {}

  /** `undefined` is the end. */
  pass(chunk: Buffer | undefined): void {
    this.last = Math.max(this.last, performance.now() + this.wire.delay)
    if (this.waiting.push({ due: this.last, chunk }) === 1) this.deliver()
  }

  private readonly deliver = (): void => {
    for (let next = this.waiting[0]; next !== undefined; next = this.waiting[0]) {
      const wait = next.due - performance.now()
      if (wait > 0) return void setTimeout(this.deliver, Math.ceil(wait))
      this.waiting.shift()
      if (next.chunk === undefined) this.onto.destroy()
      else if (!this.onto.destroyed) this.onto.write(next.chunk)
    }
  }
}
