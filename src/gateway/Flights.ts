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

  constructor(private readonly runtime: Runtime.Runtime<never>) {}

  /** Waits for the flight of this key, or else starts it. It goes on as long as anybody waits, whoever started it. */
  join(key: string, who: W, start: Start<A, W>): Call.Start<A, GatewayError> {
    return (goOn) => {
      const boarded = this.flights.get(key)?.board(who, goOn)
      if (boarded !== undefined) return boarded
      const flight = new Flight<A, W>(this.runtime, () => {
        if (this.flights.get(key) === flight) this.flights.delete(key)
      })
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

interface Waiting<W> {
  readonly who: W
  readonly leads: boolean
}

class Flight<A, W> {
  private waiting = new Map<GoOn<A>, Waiting<W>>()
  private landed: Shared<A, W> | undefined = undefined
  private stop: Cancel | undefined = undefined

  constructor(
    private readonly runtime: Runtime.Runtime<never>,
    private readonly over: () => void
  ) {}

  begin(who: W, start: Start<A, W>, goOn: GoOn<A>): Cancel {
    this.waiting.set(goOn, { who, leads: true })
    let stop: Cancel | undefined
    const cancel = start(this.over)((outcome) => {
      if (Either.isRight(outcome)) return this.land(Exit.succeed(outcome.right))
      const fiber = Runtime.runFork(this.runtime)(outcome.left)
      stop = () => fiber.unsafeInterruptAsFork(fiber.id())
      fiber.addObserver((exit) => this.land(exit))
    })
    this.stop = () => (stop ?? cancel)()
    return () => this.leave(goOn)
  }

  /** `undefined`: it has landed, and cannot be shared any more. */
  board(who: W, goOn: GoOn<A>): Cancel | undefined {
    if (this.landed === undefined) {
      this.waiting.set(goOn, { who, leads: false })
      return () => this.leave(goOn)
    }
    const part = this.landed.join(who, false)
    if (part === undefined) return undefined
    goOn(Either.right(part))
    return () => {}
  }

  private leave(goOn: GoOn<A>): void {
    if (!this.waiting.delete(goOn) || this.waiting.size > 0) return
    this.over()
    this.stop?.()
  }

  private land(how: Exit.Exit<Shared<A, W>, GatewayError>): void {
    const { waiting } = this
    this.waiting = new Map()
    if (Exit.isFailure(how)) {
      this.over()
      const failed = Cause.isInterruptedOnly(how.cause) ? Effect.interrupt : Effect.failCause(how.cause)
      for (const goOn of waiting.keys()) goOn(Either.left(failed))
      return
    }
    this.landed = how.value
    // Everybody has a part before anybody reads: what is read at once may be over at once.
    const parts = [...waiting].map(([goOn, { leads, who }]) => {
      const part = Call.guard(() => partOf(how.value, who, leads))
      return () => goOn(part)
    })
    for (const hand of parts) hand()
    how.value.abandon()
  }
}
