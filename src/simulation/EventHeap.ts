import type { Cancel } from "../provider/Timers.js"

/** Something that is due at a time. */
export interface Due {
  readonly at: number
  readonly task: () => void
}

interface Entry {
  readonly at: number
  /** Breaks ties: what was set first comes first. */
  readonly order: number
  /** `undefined`: cancelled, and thrown away when its turn comes. */
  task: (() => void) | undefined
}

/** What is due, the earliest first, and of the same time the one that was set first. */
export class EventHeap {
  private readonly entries: Array<Entry> = []
  private pushed = 0
  private live = 0

  /** Those that were not cancelled. */
  get size(): number {
    return this.live
  }

  push(at: number, task: () => void): Cancel {
    const entry: Entry = { at, order: this.pushed++, task }
    this.live++
    this.rise(entry, this.entries.length)
    return () => {
      if (entry.task === undefined) return
      entry.task = undefined
      this.live--
    }
  }

  pop(): Due | undefined {
    for (;;) {
      const first = this.entries[0]
      const last = this.entries.pop()
      if (first === undefined || last === undefined) return undefined
      if (first !== last) this.sink(last)
      const { at, task } = first
      if (task === undefined) continue
      first.task = undefined
      this.live--
      return { at, task }
    }
  }

  private rise(entry: Entry, from: number): void {
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = this.entries[above]
      if (parent === undefined || before(parent, entry)) break
      this.entries[place] = parent
      place = above
    }
    this.entries[place] = entry
  }

  /** From the root down. */
  private sink(entry: Entry): void {
    const { entries } = this
    let place = 0
    for (;;) {
      const left = entries[2 * place + 1]
      const right = entries[2 * place + 2]
      const child = right !== undefined && left !== undefined && before(right, left) ? right : left
      if (child === undefined || before(entry, child)) break
      entries[place] = child
      place = 2 * place + (child === left ? 1 : 2)
    }
    entries[place] = entry
  }
}

const before = (one: Entry, other: Entry): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order)
