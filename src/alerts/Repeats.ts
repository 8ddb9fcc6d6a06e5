import type { AlertKind } from "../domain/Alert.js"

/** Where an alert goes: into the database, where all replicas see it, or no further than this process. */
export type Way = "shared" | "own"

/**
 * Who was told what lately. The same is told once in a while, and no more than 50 different ones of a kind, since the
 * names in some come from callers.
 */
export class Repeats {
  private readonly told = new Map<AlertKind, Map<string, Told>>()

  /**
   * May this be told now? Then it counts as told. What goes to the database is held back for a minute only: there it is
   * known what others have told, and what is over since.
   */
  admits(kind: AlertKind, subject: string, way: Way, now: number, repeatAfter: number): "yes" | "again" | "too_many" {
    const subjects = this.of(kind)
    const last = subjects.get(subject)
    if (last !== undefined && now - last.at < rest(last.way === "own" ? last.way : way, repeatAfter)) return "again"
    if (last === undefined && subjects.size >= mostOfAKind) {
      for (const [other, { at, way: went }] of subjects) {
        if (now - at >= rest(went, repeatAfter)) subjects.delete(other)
      }
      if (subjects.size >= mostOfAKind) return "too_many"
    }
    subjects.set(subject, { at: now, way })
    return "yes"
  }

  /** It goes no further than this process after all. */
  stays(kind: AlertKind, subject: string, now: number): void {
    this.of(kind).set(subject, { at: now, way: "own" })
  }

  /** The next one about it says something new. */
  over(kind: AlertKind, subject: string): void {
    this.told.get(kind)?.delete(subject)
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
}

export const mostOfAKind = 50

const rest = (way: Way, repeatAfter: number): number => (way === "own" ? repeatAfter : Math.min(repeatAfter, 60_000))
