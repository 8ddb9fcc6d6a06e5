import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { InstanceSettings } from "../config/Settings.js"
import { bySettings, type SimulatedReply, type SimulatedRequest, type WireEvent } from "./SimulatedReply.js"
import type { Cancel, Timers } from "./Timers.js"
import type { Exchange, Incoming, Outgoing, Transport } from "./Transport.js"

/**
 * The other end of every instance of vendor `simulated`: it answers on the level of the wire, so that all of orelse runs
 * as with a real provider, and its time is the clock's.
 */
export class Simulator extends Context.Tag("orelse/Simulator")<
  Simulator,
  {
    /** The next calls to an instance get these replies in turn; the last one stays. */
    readonly script: (instance: string, ...replies: ReadonlyArray<SimulatedReply>) => Effect.Effect<void>
    /**
     * Every call to an instance gets this reply, lists of models too; nothing of them is remembered. `over` hears how far each
     * of them came.
     */
    readonly behave: (instance: string, reply: SimulatedReply, over?: CallOver) => Effect.Effect<void>
    /** What an instance was asked, lists of models not counted; of a long history the latest part. */
    readonly requests: (instance: string) => Effect.Effect<ReadonlyArray<SimulatedRequest>>
    /** How many calls to an instance were given up before their end. */
    readonly aborted: (instance: string) => Effect.Effect<number>
    /** How many calls have neither come to their end nor been given up. */
    readonly underWay: Effect.Effect<number>
    readonly transport: (instance: InstanceSettings) => Transport["Type"]
  }
>() {
  /** `soon` runs what is due at once, but never before its caller has returned. */
  static readonly layerOn = (soon: (task: () => void) => void): Layer.Layer<Simulator> =>
    Layer.sync(Simulator, () => {
      const peers = new Map<string, Peer>()
      let underWay = 0
      const peer = (instance: string): Peer => {
        const known = peers.get(instance) ?? {
          script: [],
          behaviour: undefined,
          over: undefined,
          calls: 0,
          asked: [],
          bytes: 0,
          aborted: 0
        }
        peers.set(instance, known)
        return known
      }
      return {
        script: (instance, ...replies) =>
          Effect.sync(() => {
            peer(instance).script = [...replies]
          }),
        behave: (instance, behaviour, over) =>
          Effect.sync(() => {
            peer(instance).behaviour = behaviour
            peer(instance).over = over
          }),
        requests: (instance) => Effect.sync(() => peer(instance).asked.map(({ request }) => request)),
        aborted: (instance) => Effect.sync(() => peer(instance).aborted),
        underWay: Effect.sync(() => underWay),
        transport: (instance) => ({
          exchange: (outgoing, incoming, timers) => {
            underWay++
            const asked = peer(instance.id)
            const events = reply(asked, instance, outgoing)
            // Of a list of models it is 0.
            const call = outgoing.method === "GET" ? 0 : asked.calls
            return new SimulatedExchange(events, incoming, timers, soon, (whole, played) => {
              underWay--
              if (!whole) asked.aborted++
              asked.over?.(call, played)
            })
          }
        })
      }
    })

  static readonly layer: Layer.Layer<Simulator> = Simulator.layerOn(queueMicrotask)
}

/** A call is over, at its end or given up; so many of its events have happened. `call` is that of its request. */
type CallOver = (call: number, played: number) => void

interface Peer {
  script: Array<SimulatedReply>
  behaviour: SimulatedReply | undefined
  over: CallOver | undefined
  calls: number
  /** The latest requests, with the size of each body. */
  readonly asked: Array<{ readonly request: SimulatedRequest; readonly size: number }>
  bytes: number
  aborted: number
}

/** A simulated provider may run for days: it remembers no more than this. */
const maxRemembered = { requests: 1_000, bytes: 8 * 1024 * 1024 }

const remember = (peer: Peer, request: SimulatedRequest, size: number): void => {
  peer.asked.push({ request, size })
  peer.bytes += size
  while (peer.asked.length > 1 && (peer.asked.length > maxRemembered.requests || peer.bytes > maxRemembered.bytes)) {
    peer.bytes -= peer.asked.shift()?.size ?? 0
  }
}

const reply = (peer: Peer, instance: InstanceSettings, outgoing: Outgoing): ReadonlyArray<WireEvent> => {
  const lists = outgoing.method === "GET"
  const request: SimulatedRequest = {
    instance: instance.id,
    call: lists ? 0 : ++peer.calls,
    method: outgoing.method,
    path: outgoing.path,
    body: outgoing.body === undefined ? undefined : JSON.parse(Buffer.from(outgoing.body).toString("utf8")),
    settings: instance.simulated
  }
  if (peer.behaviour !== undefined) return peer.behaviour(request)
  if (lists) return bySettings(request)
  remember(peer, request, outgoing.body?.byteLength ?? 0)
  const [next] = peer.script
  if (next === undefined) return bySettings(request)
  if (peer.script.length > 1) peer.script.shift()
  return next(request)
}

/** Plays a script, one event at a time. */
class SimulatedExchange implements Exchange {
  private position = 0
  private paused = false
  private due = false
  private over = false
  private cancel: Cancel | undefined = undefined

  constructor(
    private readonly events: ReadonlyArray<WireEvent>,
    private readonly incoming: Incoming,
    private readonly timers: Timers,
    private readonly soon: (task: () => void) => void,
    private readonly ended: (whole: boolean, played: number) => void
  ) {
    // Never before the caller holds this exchange.
    soon(() => {
      if (this.over) return
      if (!refuses(events)) incoming.onConnected()
      this.next()
    })
  }

  readonly pause = (): void => {
    this.paused = true
  }

  readonly resume = (): void => {
    this.paused = false
    if (!this.due) return
    this.due = false
    this.soon(this.play)
  }

  readonly abort = (): void => {
    if (this.over) return
    this.over = true
    this.cancel?.()
    this.ended(false, this.position)
  }

  private next(): void {
    const event = this.events[this.position]
    if (event === undefined || this.over) return
    if (event.after === 0) this.soon(this.play)
    else this.cancel = this.timers.after(event.after, this.play)
  }

  private readonly play = (): void => {
    const event = this.events[this.position]
    if (event === undefined || this.over) return
    if (this.paused) {
      this.due = true
      return
    }
    this.position++
    if ("head" in event) this.incoming.onHead(event.head.status, event.head.headers)
    else if ("data" in event) this.incoming.onData(event.data)
    else {
      this.over = true
      this.ended(true, this.position)
      if (event.end === "end") this.incoming.onEnd()
      else this.incoming.onFailure({ message: `the connection was ${event.end}` })
    }
    this.next()
  }
}

const refuses = ([first]: ReadonlyArray<WireEvent>): boolean =>
  first !== undefined && "end" in first && first.end === "refused"
