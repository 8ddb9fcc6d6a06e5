import type { Snapshot } from "../catalog/Catalog.js"
import type { Target } from "../catalog/Target.js"
import type { ChatRequest } from "../domain/ChatRequest.js"

/** Who would serve the models of a request as things are configured now, as a text that changes with it. */
export class CacheChains {
  /** The catalogue gives the same list for the same name, as long as nothing has changed. */
  private readonly known = new WeakMap<ReadonlyArray<Target>, string>()

  /** `undefined`: nobody, so that there is nothing to be kept, and an operator has perhaps taken the model out of service. */
  of({ model, models }: ChatRequest, { resolve }: Snapshot): string | undefined {
    if (models.length === 0) {
      const targets = resolve(model)
      return targets.length === 0 ? undefined : this.textOf(targets)
    }
    const lists = [model, ...models].map(resolve)
    return lists.every((targets) => targets.length === 0)
      ? undefined
      : lists.map((targets) => this.textOf(targets)).join("\n")
  }

  private textOf(targets: ReadonlyArray<Target>): string {
    const known = this.known.get(targets)
    if (known !== undefined) return known
    const text = JSON.stringify(
      targets.map(({ instance: { baseUrl, dialect, id, provider }, model }) => [id, provider, baseUrl, dialect, model])
    )
    this.known.set(targets, text)
    return text
  }
}
