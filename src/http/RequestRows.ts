import type { Attempt } from "../domain/Attempt.js"
import { naming, type Caller } from "../domain/Caller.js"
import * as Money from "../domain/Money.js"
import * as PlainText from "../domain/PlainText.js"
import type { AttemptRow, RequestRow } from "../store/RequestLog.js"
import type { AccessLine } from "./AccessLog.js"
import type { Facts, Inbound } from "./WireReply.js"

/** A finished request that a caller was let in with, as it is kept; never its content. */
export const make = (line: AccessLine, inbound: Inbound, caller: Caller, facts: Facts): RequestRow => ({
  id: line.id,
  timestamp: isoTime(performance.timeOrigin + inbound.at),
  tenant: caller.tenant,
  user: naming(caller, facts.user).user ?? null,
  path: PlainText.of(line.path),
  status: line.status,
  ms: line.ms,
  model: facts.asked === undefined ? null : PlainText.of(facts.asked),
  instance: facts.instance ?? null,
  provider: facts.provider ?? null,
  provider_model_id: facts.model === undefined ? null : PlainText.of(facts.model),
  stream: facts.stream,
  fallback: facts.fallback,
  failure: facts.failure ?? null,
  input_tokens: line.input_tokens ?? null,
  output_tokens: line.output_tokens ?? null,
  cost_usd: line.cost_usd ?? null,
  attempts: facts.attempts.map(attemptRow)
})

/** As the trace shows it, and when it started. */
const attemptRow = (attempt: Attempt): AttemptRow => {
  // No spread: this is made for every request.
  const row: { -readonly [Field in keyof AttemptRow]: AttemptRow[Field] } = {
    instance: attempt.instance,
    provider: attempt.provider,
    model: PlainText.of(attempt.model),
    outcome: attempt.outcome,
    category: attempt.category ?? null,
    status: attempt.status ?? null,
    ms: attempt.ms,
    cost: attempt.cost === undefined ? null : Money.toUsd(attempt.cost),
    started_at: isoTime(attempt.startedAt)
  }
  if (attempt.message !== undefined) row.message = PlainText.of(attempt.message, longestMessage)
  if (attempt.continuedAt !== undefined) row.continued_at = attempt.continuedAt
  return row
}

const isoTime = (unixMs: number): string => new Date(unixMs).toISOString()

const longestMessage = 1_000
