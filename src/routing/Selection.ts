import type { Inability } from "./Ability.js"
import * as Ailing from "./Ailing.js"
import type { Candidate } from "./Candidate.js"

/** A candidate that is not asked, and why. */
export interface Excluded {
  readonly instance: string
  readonly model: string
  /** What it cannot or may not do for this request, or why it is better not asked now; `attempts`: its turn never comes. */
  readonly reason: Ailing.Reason | Inability["reason"] | "attempts"
  readonly detail: string
  /** It stood before the first candidate that is asked. */
  readonly ahead: boolean
}

/** Why a candidate is better not asked now; `undefined`: it may be. */
export type AilmentOf = (candidate: Candidate) => Ailing.Ailing | undefined

/** Puts candidates that may be asked into the order in which they are. */
export type Arrange = (candidates: ReadonlyArray<Candidate>) => ReadonlyArray<Candidate>

/** What is decided by. */
export interface Criteria {
  readonly ailment: AilmentOf
  readonly arrange: Arrange | undefined
  /** Unix ms. */
  readonly now: number
  /** How long a request may wait for somebody, in ms. */
  readonly patience: number
  /** Calls that a request may cost; a candidate costs one at least. */
  readonly maxAttempts: number
  /** Only the first of them all is wanted. */
  readonly alone: boolean
}

/** Who is asked, who is asked when those have failed, and who is not. */
export interface Selected {
  readonly candidates: ReadonlyArray<Candidate>
  readonly reserve: ReadonlyArray<Candidate>
  readonly excluded: ReadonlyArray<Excluded>
  readonly lastResort: number | undefined
}

/** Candidates that are not well wait in reserve while somebody else is; what the cap of attempts cannot reach is left out. */
export const of = (
  chain: ReadonlyArray<Candidate>,
  unable: ReadonlyArray<Inability>,
  { ailment, alone, arrange, maxAttempts, now, patience }: Criteria
): Selected => {
  const ailments = chain.map((candidate) => ailment(candidate))
  const most = alone ? 1 : maxAttempts
  if (unable.length === 0 && chain.length <= most && ailments.every((ailing) => ailing === undefined)) {
    return {
      candidates: arrange === undefined ? chain : arrange(chain),
      reserve: nobody,
      excluded: none,
      lastResort: undefined
    }
  }
  const inability = (candidate: Candidate): Inability | undefined => unable.find((each) => each.candidate === candidate)
  const able = chain.flatMap((candidate, at) =>
    inability(candidate) === undefined ? [{ candidate, ailing: ailments[at] }] : []
  )
  const well = able.some(({ ailing }) => ailing === undefined)
  // A soft reason alone keeps nobody from being asked when nobody else is there.
  const hard = able.filter(({ ailing }) => ailing !== undefined && !Ailing.isSoft(ailing))
  const last = !well && hard.length === able.length ? lastOf(hard, now + patience) : undefined
  const reasonOf = (candidate: Candidate, at: number): Inability | Ailing.Ailing | undefined =>
    inability(candidate) ??
    (last === undefined ? avoided(ailments[at], well) : last.candidate === candidate ? undefined : ailments[at])
  const reasons = chain.map(reasonOf)
  const asked = chain.filter((_, at) => reasons[at] === undefined)
  const candidates = (arrange === undefined ? asked : arrange(asked)).slice(0, most)
  const reserve =
    last === undefined && !alone
      ? able.flatMap(({ ailing, candidate }) => (ailing === undefined || asked.includes(candidate) ? [] : [candidate]))
      : nobody
  const [first] = candidates
  const start = first === undefined ? chain.length : chain.indexOf(first)
  const excluded = chain.flatMap((candidate, at): ReadonlyArray<Excluded> => {
    if (candidates.includes(candidate)) return []
    const why = reasons[at] ?? (alone ? notFirst : tooMany(maxAttempts))
    return [
      {
        instance: candidate.instance.id,
        model: candidate.model,
        reason: why.reason,
        detail: why.detail,
        // Where peers change places, each of them stands as far ahead as the others.
        ahead: at < start && !(arrange !== undefined && areAlike(candidate, first))
      }
    ]
  })
  return { candidates, reserve, excluded, lastResort: last?.ailing?.until }
}

const nobody: ReadonlyArray<Candidate> = []

const none: ReadonlyArray<Excluded> = []

const notFirst = { reason: "not_wanted", detail: "'provider' wants the first only" } as const

const tooMany = (maxAttempts: number) =>
  ({ reason: "attempts", detail: `a request may cost ${maxAttempts} calls` }) as const

const areAlike = (one: Candidate, other: Candidate | undefined): boolean =>
  one.peer && other?.peer === true && one.stage === other.stage

/** While somebody is well, whoever is not; while none is, those whose circuit says so, and not those of a soft reason. */
const avoided = (ailing: Ailing.Ailing | undefined, well: boolean): Ailing.Ailing | undefined =>
  ailing !== undefined && !well && Ailing.isSoft(ailing) ? undefined : ailing

interface Ill {
  readonly candidate: Candidate
  readonly ailing: Ailing.Ailing | undefined
}

/** The nearest to its recovery. Who asked for fewer requests is not asked before its time: only who is ill may be. */
const lastOf = (ill: ReadonlyArray<Ill>, soon: number): Ill | undefined => {
  // Whom an operator took out does not come back by itself.
  const sorted = ill.filter((each) => Number.isFinite(untilOf(each))).toSorted((a, b) => untilOf(a) - untilOf(b))
  return sorted.find((each) => each.ailing?.reason !== "rate_limited" || untilOf(each) <= soon) ?? sorted[0]
}

const untilOf = ({ ailing }: Ill): number => ailing?.until ?? 0
