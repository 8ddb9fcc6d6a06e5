/**
 * Whom the caller wants to be asked: OpenRouter's `provider` object. A name is an instance's id or a vendor's slug; names
 * that nobody here has are meant for OpenRouter's own providers, and reach only those.
 * @see https://openrouter.ai/docs/features/provider-routing
 */
export interface Preferences {
  /** These first, in this order. */
  readonly order: ReadonlyArray<string>
  /** Nobody else; `undefined`: everybody. */
  readonly only: ReadonlyArray<string> | undefined
  readonly ignore: ReadonlyArray<string>
  /** False: nobody but those of `order`, or the very first. */
  readonly allowFallbacks: boolean
  /** Instead of the strategy. */
  readonly sort: "price" | "latency" | "throughput" | undefined
  /** The most that tokens may cost, in USD per million; whose price is unknown costs too much. */
  readonly maxPrice: { readonly prompt: number | undefined; readonly completion: number | undefined } | undefined
  /** Members that only OpenRouter can act on, as `data_collection`. */
  readonly foreign: ReadonlyArray<string>
}
