import * as Layer from "effect/Layer"
import { CurrentSettings, type Settings } from "../../src/config/Settings.js"
import * as Live from "../../src/gateway/Live.js"
import { Simulator } from "../../src/provider/Simulator.js"
import type { Incoming, IncomingHeaders, Outgoing } from "../../src/provider/Transport.js"
import { Transport } from "../../src/provider/Transport.js"

/** The provider's end of one exchange, moved by hand. */
export class Wire {
  paused = false
  aborted = false

  constructor(
    readonly outgoing: Outgoing,
    readonly incoming: Incoming
  ) {}

  /** The connection stands, and the answer begins. */
  open(status = 200, headers: IncomingHeaders = eventStream): void {
    this.incoming.onConnected()
    this.incoming.onHead(status, headers)
  }

  /** Sends bytes, whether or not somebody reads. */
  send(...chunks: ReadonlyArray<Buffer>): void {
    for (const chunk of chunks) if (!this.aborted) this.incoming.onData(chunk)
  }

  /** Sends a whole answer, as fast as it is read. */
  play(status: number, headers: IncomingHeaders, chunks: ReadonlyArray<Buffer>): void {
    this.unsent = [...chunks]
    queueMicrotask(() => {
      this.open(status, headers)
      this.pump()
    })
  }

  pause = (): void => {
    this.paused = true
  }

  resume = (): void => {
    this.paused = false
    queueMicrotask(() => this.pump())
  }

  abort = (): void => {
    this.aborted = true
  }

  private unsent: Array<Buffer> | undefined = undefined

  private pump(): void {
    while (this.unsent !== undefined && !this.paused && !this.aborted) {
      const chunk = this.unsent.shift()
      if (chunk !== undefined) this.incoming.onData(chunk)
      else {
        this.unsent = undefined
        this.incoming.onEnd()
      }
    }
  }
}

export const eventStream = { "content-type": "text/event-stream" }
export const json = { "content-type": "application/json" }

/** A network on which every exchange becomes a wire; `answer` may move it at once. */
export const network = (answer: (wire: Wire) => void = () => {}) => {
  const wires: Array<Wire> = []
  const transport: Transport["Type"] = {
    exchange: (outgoing, incoming) => {
      const wire = new Wire(outgoing, incoming)
      wires.push(wire)
      answer(wire)
      return wire
    }
  }
  return { transport, wires, only: () => wires[0] ?? raise("nobody was called") }
}

export type Network = ReturnType<typeof network>

/** A network that answers every request like this. */
export const replaying = (status: number, headers: IncomingHeaders, ...chunks: ReadonlyArray<Buffer>) =>
  network((wire) => wire.play(status, headers, chunks))

/** The whole gateway on a network of its own. */
export const gatewayOn = (transport: Transport["Type"], settings: Settings) =>
  Live.layerNoTransport.pipe(
    Layer.provideMerge(Layer.mergeAll(Layer.succeed(Transport, transport), Simulator.layer)),
    Layer.provide(Layer.succeed(CurrentSettings, settings))
  )

const raise = (message: string): never => {
  throw new Error(message)
}
