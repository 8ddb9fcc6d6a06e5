import type { ProviderError } from "../domain/ProviderError.js"

/** Who can be at fault: an instance's credential, the instance, or one of its models. */
export type Scope = "key" | "instance" | "model"

/** A scope by name; two instances share none. */
export const nameOf = (scope: Scope, instance: string, model: string): string =>
  scope === "model" ? `model ${instance} ${model}` : `${scope} ${instance}`

/** What a failure says of a scope. */
export type Blame =
  /** It counts; some of them open the circuit. */
  | { readonly _tag: "Failure"; readonly scope: Scope }
  /** It opens the circuit at once; `forMs` where it is known how long that lasts. */
  | { readonly _tag: "Trip"; readonly scope: Scope; readonly forMs: number | undefined }
  /** Nobody is ill, but there is no use in asking again so soon. */
  | { readonly _tag: "Wait"; readonly scope: Scope; readonly forMs: number }

/** Whom a failure of a provider is to be blamed on; `undefined`: it is the caller's, or nobody's. */
export const of = (error: ProviderError): Blame | undefined => {
  switch (error._tag) {
    case "AuthFailed":
      // The key is good, and only not for this: whoever names such a model must not take the key from everybody.
      return error.status === 403
        ? { _tag: "Failure", scope: "model" }
        : { _tag: "Trip", scope: "key", forMs: undefined }
    case "QuotaExceeded":
      return { _tag: "Trip", scope: "key", forMs: Math.min(error.retryAfterMs ?? quotaOut, longestWait) }
    case "RateLimited":
      return { _tag: "Wait", scope: "model", forMs: Math.min(error.retryAfterMs ?? briefly, longestWait) }
    case "NetworkFailed":
    case "ProviderUnavailable":
      return { _tag: "Failure", scope: "instance" }
    case "ProviderTimeout":
      switch (error.phase) {
        case "connect":
          return { _tag: "Failure", scope: "instance" }
        case "first_token":
        case "idle":
        case "total":
          return { _tag: "Failure", scope: "model" }
        // The caller's time was up, or what other candidates left of it.
        case "share":
        case "deadline":
          return undefined
      }
    case "MalformedResponse":
    case "ModelNotFound":
      return { _tag: "Failure", scope: "model" }
    case "ContextLengthExceeded":
    case "ContentFiltered":
    case "InvalidRequest":
      return undefined
  }
}

/** A spent quota whose reset nobody named, in ms. */
const quotaOut = 3_600_000

/** A 429 that names no time, in ms. */
const briefly = 1_000

/** A hint beyond this is not believed, in ms. */
const longestWait = 24 * 3_600_000
