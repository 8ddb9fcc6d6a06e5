/**
 * Whoever waits in line. Each owner has a turn after the other; those of one owner are served in the order in which they came.
 * So an owner with a thousand waiting takes no more of the time than one with two.
 */
export class FairQueue<A> {
  /** The one whose turn it is comes first. */
  private readonly owners = new Map<string, Set<A>>()
  private count = 0

  get size(): number {
    return this.count
  }

  /** Whose turn it is. */
  get first(): A | undefined {
    for (const items of this.owners.values()) for (const item of items) return item
    return undefined
  }

  push(owner: string, item: A): void {
    const own = this.owners.get(owner)
    if (own === undefined) this.owners.set(owner, new Set([item]))
    else own.add(item)
    this.count++
  }

  /** Takes out whose turn it is; the owner's next one comes after everybody else's. */
  shift(): A | undefined {
    for (const [owner, items] of this.owners) {
      for (const item of items) {
        this.owners.delete(owner)
        items.delete(item)
        if (items.size > 0) this.owners.set(owner, items)
        this.count--
        return item
      }
    }
    return undefined
  }

  /** Takes out one that waits no more. */
  remove(owner: string, item: A): void {
    const own = this.owners.get(owner)
    if (own?.delete(item) !== true) return
    this.count--
    if (own.size === 0) this.owners.delete(owner)
  }

  /** How many would be served before one of this owner who came now. */
  ahead(owner: string): number {
    const own = this.owners.get(owner)?.size ?? 0
    let ahead = own
    for (const [other, items] of this.owners) if (other !== owner) ahead += Math.min(items.size, own + 1)
    return ahead
  }

  /** Those who would be served before one of this owner who came now, in no order. */
  *before(owner: string): Iterable<A> {
    const own = this.owners.get(owner)?.size ?? 0
    for (const [other, items] of this.owners) {
      let left = other === owner ? own : own + 1
      for (const item of items) {
        if (left-- === 0) break
        yield item
      }
    }
  }

  /** Has anybody more waiting than this owner would have with one more? */
  yieldsTo(owner: string): boolean {
    return this.most(owner) !== undefined
  }

  /** The last one of whoever has the most waiting, where that is more than this owner would have with one more. */
  lastOfMost(owner: string): A | undefined {
    const most = this.most(owner)
    return most && [...most].at(-1)
  }

  *[Symbol.iterator](): Iterator<A> {
    for (const items of this.owners.values()) yield* items
  }

  private most(owner: string): ReadonlySet<A> | undefined {
    let most: ReadonlySet<A> | undefined
    for (const items of this.owners.values()) if (items.size > (most?.size ?? 0)) most = items
    return most !== undefined && most.size > (this.owners.get(owner)?.size ?? 0) + 1 ? most : undefined
  }
}
