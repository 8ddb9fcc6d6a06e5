import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { BudgetExceeded, BudgetUnavailable, CostUnbounded, type GatewayError } from "../domain/GatewayError.js"
import type { Budgets } from "../ledger/Budgets.js"
import type { Refusal } from "../ledger/Purse.js"
import * as Call from "../provider/Call.js"
import type { AttemptLog } from "../routing/AttemptLog.js"
import type { Plan } from "../routing/Plan.js"
import type { Books } from "./Books.js"

/** A request that is to be paid for. */
export interface Payment {
  readonly plan: Plan
  readonly books: Books
  readonly budgets: Budgets["Type"]
  /** Its calls. */
  readonly log: AttemptLog
}

/**
 * Runs a chain with money: hard budgets are filled before it where they hold too little, and whatever ends it, each of its
 * calls is accounted for.
 */
export const start =
  <A>(chain: Call.Start<A, GatewayError>, { books, budgets, log, plan }: Payment): Call.Start<A, GatewayError> =>
  (goOn) => {
    /** Whoever has got the answer closes the last call's books; all others are over. */
    const accounted = (following: Effect.Effect<A, GatewayError>): Effect.Effect<A, GatewayError> =>
      following.pipe(
        Effect.mapError((error) => (error._tag === "NobodyAvailable" ? (refused({ books, plan }) ?? error) : error)),
        Effect.onError(() => Effect.sync(() => log.closeAll()))
      )
    const wants = books.wants(plan.reserve.length === 0 ? plan.candidates : [...plan.candidates, ...plan.reserve])
    if (wants.length > 0 && !budgets.suffice(wants)) {
      const filled = Effect.zipRight(budgets.fill(wants, books.hold), Call.run(chain)).pipe(
        Effect.ensuring(Effect.sync(() => books.letGo()))
      )
      goOn(Either.left(accounted(filled)))
      return () => {}
    }
    let isServed = false
    const cancel = chain((outcome) => {
      isServed = Either.isRight(outcome)
      goOn(Either.isRight(outcome) ? outcome : Either.left(accounted(outcome.left)))
    })
    return () => {
      cancel()
      // Whoever holds the answer gives it up in the same breath, and knows how much was said; perhaps nobody holds it.
      if (isServed) queueMicrotask(() => log.closeAll())
      else log.closeAll()
    }
  }

const refused = ({ books, plan }: Pick<Payment, "books" | "plan">): GatewayError | undefined => {
  const refusal = books.refusalOf([...plan.candidates, ...plan.reserve])
  return refusal && errorOf(refusal)
}

const errorOf = ({ period, reason, resetsAt, scope }: Refusal): GatewayError => {
  switch (reason) {
    case "exceeded":
      return new BudgetExceeded({
        scope,
        ...(period === undefined ? {} : { period }),
        ...(resetsAt === undefined ? {} : { resetsAt })
      })
    case "unbounded":
      return new CostUnbounded({ scope })
    case "unknown":
    case "unwritten":
      return new BudgetUnavailable({ scope })
  }
}
