import * as Money from "../domain/Money.js"
import type { HealthEvent } from "../health/Permit.js"
import type { Ended } from "./Callers.js"
import type { MoneyObserver } from "./Simulation.js"

/** Requests that arrived in one stretch of time, and what happened in it. */
export class Bucket {
  requests = 0
  failed = 0
  readonly total: Array<number> = []
  /** Instance -> requests that it answered. */
  readonly served = new Map<string, number>()
  /** What circuits did -> how often. */
  readonly changes = new Map<string, number>()
}

/** Counts what happens in one run. */
export class Tally {
  requests = 0
  calls = 0
  readonly failures = new Map<string, number>()
  readonly served = new Map<string, number>()
  readonly called = new Map<string, number>()
  readonly firstToken: Array<number> = []
  readonly total: Array<number> = []
  readonly buckets: ReadonlyArray<Bucket>
  private spent = 0n
  private billed = 0n

  /** `width` is of a bucket, in ms, and `duration` of all of them. */
  constructor(
    private readonly width: number,
    duration: number
  ) {
    this.buckets = Array.from({ length: Math.ceil(duration / width) }, () => new Bucket())
  }

  /** Of all calls, as the gateway has written it down. */
  get cost(): Money.Money {
    return Money.Money.make(this.spent)
  }

  /** The same as the providers have. */
  get bills(): Money.Money {
    return Money.Money.make(this.billed)
  }

  readonly money: MoneyObserver = {
    charged: ({ cost_usd }) => {
      this.spent += Money.fromText(cost_usd ?? "0") ?? 0n
    },
    billed: ({ cost }) => {
      this.billed += cost
    }
  }

  readonly ended = ({ arrival, attempts, failure, firstToken, instance, total }: Ended): void => {
    const bucket = this.bucket(arrival.at)
    this.requests++
    this.calls += attempts.length
    for (const { instance: called } of attempts) add(this.called, called)
    if (firstToken !== undefined) this.firstToken.push(firstToken)
    if (bucket !== undefined) bucket.requests++
    if (failure !== undefined) {
      add(this.failures, failure)
      if (bucket !== undefined) bucket.failed++
      return
    }
    this.total.push(total)
    bucket?.total.push(total)
    if (instance === undefined) return
    add(this.served, instance)
    if (bucket !== undefined) add(bucket.served, instance)
  }

  readonly circuit = ({ event_type, instance, scope }: HealthEvent, at: number): void => {
    const bucket = this.bucket(at)
    // Requests that go on are counted by whom they called.
    if (bucket === undefined || event_type === "failover") return
    const whose = scope === "model" ? "model's circuit" : "circuit"
    const what = event_type.startsWith("circuit_") ? `${whose} ${words[event_type]}` : words[event_type]
    add(bucket.changes, `${instance}: ${what}`)
  }

  private bucket(at: number): Bucket | undefined {
    return this.buckets[Math.floor(at / this.width)]
  }
}

const words: Readonly<Record<Exclude<HealthEvent["event_type"], "failover">, string>> = {
  circuit_open: "opened",
  circuit_half_open: "half-open",
  circuit_close: "closed",
  key_out: "key out",
  health_check_failed: "check failed",
  health_check_ok: "check went well"
}

const add = (counts: Map<string, number>, name: string): void => {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
