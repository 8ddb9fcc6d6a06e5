import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { randomUUID } from "node:crypto"
import type { Attempt } from "../domain/Attempt.js"
import type { Caller } from "../domain/Caller.js"
import * as Money from "../domain/Money.js"
import * as PlainText from "../domain/PlainText.js"
import { cacheReadTotal, type Usage } from "../domain/Usage.js"
import { Journal } from "../store/Journal.js"
import type { LedgerEntry, LedgerIntent } from "./LedgerEntry.js"

/** Who asks for what, and where: what a row of the ledger says of a call before it is made. */
export interface Opening {
  readonly requestId: string | undefined
  readonly caller: Caller
  /** Canonical name of the model that was asked for. */
  readonly asked: string
  readonly instance: { readonly id: string; readonly provider: string }
  /** The provider's own id. */
  readonly model: string
  readonly stream: boolean
  /** Unix ms. */
  readonly at: number
  /** What hard budgets keep for it. */
  readonly reserved: Money.Money | undefined
  /** The hard budgets that it is taken out of. */
  readonly budgets: ReadonlyArray<string>
}

/** How a call ended, and what it took. */
export interface Closing {
  readonly outcome: Attempt["outcome"]
  readonly category: Attempt["category"]
  readonly ms: number
  readonly usage: Usage | undefined
  /** Of the usage, or of the cost where there is none. */
  readonly source: "reported" | "estimated" | undefined
  /** `undefined` is unknown. */
  readonly cost: Money.Money | undefined
}

/** An answer out of the cache. */
export interface Hit extends Omit<Opening, "reserved" | "budgets"> {
  readonly ms: number
  readonly usage: Usage | undefined
  /** What it would have cost. */
  readonly saved: Money.Money | undefined
}

/** A row of the ledger that is not closed. */
export interface OpenEntry {
  /** Is it written down that the call is made? False: whoever must not lose it must not call. */
  readonly kept: boolean
  /** The first word counts. */
  readonly close: (closing: Closing) => void
}

/** Hears of every closed row, on the spot, and which hard budgets it was taken out of. */
export type Listener = (entry: LedgerEntry, budgets: ReadonlyArray<string>) => void

/**
 * Keeps the ledger: a row for every call that a provider could bill. That a call is made is written down before it is, and
 * what it took when it is over.
 */
export class CostTracker extends Context.Tag("orelse/CostTracker")<
  CostTracker,
  {
    readonly open: (opening: Opening) => OpenEntry
    readonly hit: (hit: Hit) => void
    /** Until it is called. */
    readonly listen: (listener: Listener) => () => void
  }
>() {
  /** Rows are told to who listens, and kept by nobody. */
  static readonly layerMemory: Layer.Layer<CostTracker> = Layer.sync(CostTracker, () =>
    make({ run: null, intent: () => true, entry: () => {} })
  )

  /** By way of the journal. */
  static readonly layer: Layer.Layer<CostTracker, never, Journal> = Layer.scoped(
    CostTracker,
    Effect.gen(function* () {
      const journal = yield* Journal
      let ends: ReadonlyArray<string> = nothing
      // What a call took is known once: a disk that is full for a while does not lose it.
      const again = Effect.sync(() => {
        if (ends.length === 0 || !journal.stats().writable) return
        const refused = ends.findIndex((json) => !journal.append("entry", json))
        ends = refused === -1 ? nothing : ends.slice(refused)
      })
      yield* Effect.acquireRelease(
        Effect.forkDaemon(Effect.interruptible(Effect.forever(Effect.zipRight(Effect.sleep("1 second"), again)))),
        (fiber) => Effect.zipRight(Fiber.interrupt(fiber), again)
      )
      return make({
        run: journal.id,
        intent: (row) => journal.appendNow("intent", JSON.stringify(row)),
        // It is written with the request's own row, or at the end of this turn of the event loop.
        entry: (row) => {
          const json = JSON.stringify(row)
          if (!journal.append("entry", json) && ends.length < mostEnds) ends = [...ends, json]
        }
      })
    })
  )
}

/** Where rows go, if anywhere. */
interface Keeper {
  /** Of this gateway's journal; null: nobody keeps them. */
  readonly run: string | null
  /** Before the call; false: it is not written down. */
  readonly intent: (row: object) => boolean
  readonly entry: (row: object) => void
}

const make = ({ entry: keep, intent, run }: Keeper): CostTracker["Type"] => {
  let listeners: ReadonlyArray<Listener> = []
  const write = (opened: LedgerIntent, closed: Closed, budgets: ReadonlyArray<string>): void => {
    const entry = entryOf(opened, closed)
    if (run !== null) keep({ ...entry, run, budgets })
    for (const listener of listeners) listener(entry, budgets)
  }
  return {
    open: (opening) => {
      const opened = intentOf(opening)
      const kept = run === null || intent({ ...opened, run })
      let closed = false
      return {
        kept,
        close: ({ category, cost, ms, outcome, source, usage }) => {
          if (closed) return
          closed = true
          write(
            opened,
            {
              ended_at: isoTime(opening.at + ms),
              outcome,
              category: category ?? null,
              ms,
              ...tokensOf(usage),
              usage_source: source ?? null,
              cost_usd: cost === undefined ? null : Money.toUsd(cost),
              saved_usd: null
            },
            opening.budgets
          )
        }
      }
    },
    hit: (hit) =>
      write(
        intentOf({ ...hit, reserved: undefined }),
        {
          ended_at: isoTime(hit.at + hit.ms),
          outcome: "hit",
          category: null,
          ms: hit.ms,
          ...tokensOf(hit.usage),
          usage_source: hit.usage === undefined ? null : "reported",
          cost_usd: "0",
          saved_usd: hit.saved === undefined ? null : Money.toUsd(hit.saved)
        },
        nothing
      ),
    listen: (listener) => {
      listeners = [...listeners, listener]
      return () => {
        listeners = listeners.filter((other) => other !== listener)
      }
    }
  }
}

type Closed = Omit<LedgerEntry, keyof LedgerIntent>

/** No spread: this is made for every call. */
const entryOf = (opened: LedgerIntent, closed: Closed): LedgerEntry => ({
  id: opened.id,
  request_id: opened.request_id,
  timestamp: opened.timestamp,
  tenant: opened.tenant,
  user: opened.user,
  key: opened.key,
  instance: opened.instance,
  provider: opened.provider,
  model: opened.model,
  provider_model_id: opened.provider_model_id,
  stream: opened.stream,
  reserved_usd: opened.reserved_usd,
  ended_at: closed.ended_at,
  outcome: closed.outcome,
  category: closed.category,
  ms: closed.ms,
  input_tokens: closed.input_tokens,
  cache_read_tokens: closed.cache_read_tokens,
  cache_write_tokens: closed.cache_write_tokens,
  cache_write_1h_tokens: closed.cache_write_1h_tokens,
  input_audio_tokens: closed.input_audio_tokens,
  output_tokens: closed.output_tokens,
  reasoning_tokens: closed.reasoning_tokens,
  output_audio_tokens: closed.output_audio_tokens,
  usage_source: closed.usage_source,
  cost_usd: closed.cost_usd,
  saved_usd: closed.saved_usd
})

const intentOf = (opening: Omit<Opening, "budgets">): LedgerIntent => ({
  id: randomUUID(),
  request_id: opening.requestId ?? null,
  timestamp: isoTime(opening.at),
  tenant: opening.caller.tenant,
  user: opening.caller.user === undefined ? null : PlainText.of(opening.caller.user),
  key: opening.caller.key ?? null,
  instance: opening.instance.id,
  provider: opening.instance.provider,
  model: PlainText.of(opening.asked),
  provider_model_id: PlainText.of(opening.model),
  stream: opening.stream,
  reserved_usd: opening.reserved === undefined ? null : Money.toUsd(opening.reserved)
})

const tokensOf = (usage: Usage | undefined) => ({
  input_tokens: usage?.input ?? null,
  cache_read_tokens: usage === undefined ? null : cacheReadTotal(usage),
  cache_write_tokens: usage?.cacheWrite ?? null,
  cache_write_1h_tokens: usage === undefined ? null : (usage.cacheWrite1h ?? 0),
  input_audio_tokens: usage === undefined ? null : (usage.inputAudio ?? 0),
  output_tokens: usage?.output ?? null,
  reasoning_tokens: usage?.reasoning ?? null,
  output_audio_tokens: usage === undefined ? null : (usage.outputAudio ?? 0)
})

const isoTime = (unixMs: number): string => new Date(unixMs).toISOString()

const nothing: ReadonlyArray<string> = []

/** Ends of calls that wait for the journal, some 10 MB of them. */
const mostEnds = 10_000
