import type { AlertKind } from "../domain/Alert.js"

/** Where an alert goes: into the database, where all replicas see it, or no further than this process. */
export type Way = "shared" | "own"

/** What may be told again, or not. */
export interface Subject {
  readonly kind: AlertKind
  readonly name: string
  /** Callers may have made it up. */
  readonly made: boolean
}

/**
 * Who was told what lately. The same is told once in a while, and of what callers may have made up no more than 50 different
 * ones of a kind. What operators have named has an end by itself, and is never kept back for what callers make up.
 */
export class Repeats {
  private readonly told = new Map<AlertKind, Map<string, Told>>()

  /**
   * May this be told now? Then it counts as told. What goes to the database is held back for a minute only: there it is
   * known what others have told, and what is over since.
   */
  admits({ kind, made, name }: Subject, way: Way, now: number, repeatAfter: number): "yes" | "again" | "too_many" {
    const subjects = this.of(kind)
    const last = subjects.get(name)
    if (last !== undefined && now - last.at < rest(last.way === "own" ? last.way : way, repeatAfter)) return "again"
    if (last === undefined && subjects.size >= mostOfAKind) {
      let others = 0
      for (const [other, before] of subjects) {
        if (now - before.at >= rest(before.way, repeatAfter)) subjects.delete(other)
        else if (before.made) others++
      }
      if (made && others >= mostOfAKind) return "too_many"
    }
    subjects.set(name, { at: now, way, made })
    return "yes"
  }

  /** It goes no further than this process after all. */
  stays({ kind, made, name }: Subject, now: number): void {
    this.of(kind).set(name, { at: now, way: "own", made })
  }

  /** The next one about it says something new. */
  over(kind: AlertKind, name: string): void {
    this.told.get(kind)?.delete(name)
  }

  private of(kind: AlertKind): Map<string, Told> {
    const found = this.told.get(kind) ?? new Map<string, Told>()
    this.told.set(kind, found)
    return found
  }
}

interface Told {
  /** Unix ms. */
  readonly at: number
  readonly way: Way
  readonly made: boolean
}

export const mostOfAKind = 50

const rest = (way: Way, repeatAfter: number): number => (way === "own" ? repeatAfter : Math.min(repeatAfter, 60_000))
