import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import type { GatewayError } from "../domain/GatewayError.js"
import * as Call from "../provider/Call.js"
import type { Cancel } from "../provider/Timers.js"

/** Something that several who asked can have a part of. */
export interface Shared<A, W> {
  /** A part of it; who leads is the one for whom it was asked. `undefined`: it is too late to share it. */
  readonly join: (who: W, leads: boolean) => A | undefined
  /** Everybody may have left who was to have a part of it. */
  readonly abandon: () => void
}

/** Starts what is to be shared; `over` is to be called when nobody can join it any more. */
type Start<A, W> = (over: () => void) => Call.Start<Shared<A, W>, GatewayError>

type GoOn<A> = (outcome: Call.Outcome<A, GatewayError>) => void

/** Requests in flight, by what they ask: an identical one gets a part of the answer, and asks nobody. */
export class Flights<A, W> {
  private readonly flights = new Map<string, Flight<A, W>>()

  /** `giveUp`: who was to have a part went, and may not have held it yet. */
  constructor(
    private readonly runtime: Runtime.Runtime<never>,
    private readonly giveUp: (part: A) => void
  ) {}

  /**
   * Waits for the flight of this key, or else starts it. It goes on as long as anybody waits, whoever started it. Who leaves
   * when it has landed gives up a part.
   */
  join(key: string, who: W, start: Start<A, W>): Call.Start<A, GatewayError> {
    return (goOn) => {
      const boarded = this.flights.get(key)?.board(who, goOn)
      if (boarded !== undefined) return boarded
      const flight = new Flight<A, W>(this.runtime, this.giveUp, key, this.flights)
      this.flights.set(key, flight)
      return flight.begin(who, start, goOn)
    }
  }
}

/** The same for one alone. */
export const withoutOthers =
  <A, W>(who: W, start: Start<A, W>): Call.Start<A, GatewayError> =>
  (goOn) =>
    start(() => {})((outcome) =>
      goOn(
        Either.isRight(outcome)
          ? Call.guard(() => partOf(outcome.right, who, true))
          : Either.left(Effect.map(outcome.left, (shared) => partOf(shared, who, true)))
      )
    )

/** Who waits for it has a right to it. */
const partOf = <A, W>(shared: Shared<A, W>, who: W, leads: boolean): A => {
  const part = shared.join(who, leads)
  if (part === undefined) throw new Error("an answer could not be shared with whoever waited for it")
  return part
}

/** Somebody who waits. */
class Seat<A, W> {
  /** What was got. */
  part: Call.Outcome<A, never> | undefined = undefined
  left = false

  constructor(
    readonly who: W,
    readonly leads: boolean,
    readonly goOn: GoOn<A>
  ) {}

  take(shared: Shared<A, W>): void {
    this.part = Call.guard(() => partOf(shared, this.who, this.leads))
  }

  hand(): void {
    if (!this.left && this.part !== undefined) this.goOn(this.part)
  }
}

/** It holds nothing that is over, nor a closure that would: a map that has lived long makes the heap keep what is dead. */
class Flight<A, W> {
  private waiting: Set<Seat<A, W>> | undefined = new Set()
  private landed: Shared<A, W> | undefined = undefined
  private stop: Cancel | undefined = undefined
  private isOver = false

  constructor(
    private readonly runtime: Runtime.Runtime<never>,
    private readonly giveUp: (part: A) => void,
    private readonly key: string,
    private readonly flights: Map<string, Flight<A, W>>
  ) {}

  begin(who: W, start: Start<A, W>, goOn: GoOn<A>): Cancel {
    const seat = new Seat<A, W>(who, true, goOn)
    this.waiting?.add(seat)
    let stop: Cancel | undefined
    const cancel = start(this.over)((outcome) => {
      if (Either.isRight(outcome)) return this.land(Exit.succeed(outcome.right))
      const fiber = Runtime.runFork(this.runtime)(outcome.left)
      stop = () => fiber.unsafeInterruptAsFork(fiber.id())
      fiber.addObserver((exit) => this.land(exit))
    })
    if (this.waiting !== undefined) this.stop = () => (stop ?? cancel)()
    return () => this.leave(seat)
  }

  /** `undefined`: it has landed, and cannot be shared any more. */
  board(who: W, goOn: GoOn<A>): Cancel | undefined {
    const seat = new Seat<A, W>(who, false, goOn)
    if (this.waiting === undefined) {
      const part = this.landed?.join(who, false)
      if (part === undefined) return undefined
      seat.part = Either.right(part)
      seat.hand()
    } else this.waiting.add(seat)
    return () => this.leave(seat)
  }

  private readonly over = (): void => {
    this.isOver = true
    this.landed = undefined
    if (this.flights.get(this.key) === this) this.flights.delete(this.key)
  }

  private leave(seat: Seat<A, W>): void {
    seat.left = true
    if (seat.part !== undefined) {
      if (Either.isRight(seat.part)) this.giveUp(seat.part.right)
    } else if (this.waiting?.delete(seat) === true && this.waiting.size === 0) {
      this.over()
      this.stop?.()
    }
  }

  private land(how: Exit.Exit<Shared<A, W>, GatewayError>): void {
    const waiting = [...(this.waiting ?? [])]
    this.waiting = undefined
    this.stop = undefined
    if (Exit.isFailure(how)) {
      this.over()
      const failed = Cause.isInterruptedOnly(how.cause) ? Effect.interrupt : Effect.failCause(how.cause)
      for (const { goOn } of waiting) goOn(Either.left(failed))
      return
    }
    if (!this.isOver) this.landed = how.value
    // Everybody has a part before anybody reads: what is read at once may be over at once.
    for (const seat of waiting) seat.take(how.value)
    for (const seat of waiting) seat.hand()
    how.value.abandon()
  }
}
