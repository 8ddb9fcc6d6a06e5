import * as Redacted from "effect/Redacted"
import type { InstanceSettings } from "../config/Settings.js"
import { ProviderTimeout, type ProviderError, type TimeoutPhase } from "../domain/ProviderError.js"
import * as ProviderErrors from "../domain/ProviderError.js"
import type { Failure } from "../protocol/Failure.js"

/** Makes the typed error of a failure; knows whose call it was. */
export type Fail = (failure: Failure) => ProviderError

export const from =
  (instance: InstanceSettings, model: string): Fail =>
  ({ category, ...details }) => {
    const { code, message, param } = details
    return ProviderErrors.make(category, {
      provider: instance.provider,
      instance: instance.id,
      model,
      ...details,
      message: withoutKey(message, instance),
      ...(code === undefined ? {} : { code: withoutKey(code, instance) }),
      ...(param === undefined ? {} : { param: withoutKey(param, instance) })
    })
  }

/** A provider may repeat the key that it was shown, whole or cut off where its words are. */
const withoutKey = (text: string, { apiKey }: InstanceSettings): string => {
  const key = apiKey === undefined ? "" : Redacted.value(apiKey)
  if (key.length < shortestKey) return text
  const whole = text.replaceAll(key, "***")
  const end = whole.replace(/…$/, "")
  for (let length = key.length - 1; length >= shortestKey; length--) {
    if (end.endsWith(key.slice(0, length))) return `${end.slice(0, -length)}***`
  }
  return whole
}

/** Anything shorter stands in ordinary words too. */
const shortestKey = 8

/**
 * Reads what a provider sent. Whatever it sent, that must not throw: these are callbacks of a socket, where nobody would
 * hear of it and the request would hang.
 */
export const reading = <A>(read: () => A, otherwise: (failure: Failure) => A): A => {
  try {
    return read()
  } catch {
    return otherwise({ category: "malformed_response", message: "the provider's answer cannot be read" })
  }
}

/** The failure with the status that its answer came with, where it names none itself; 0 is no answer. */
export const within = (failure: Failure, status: number): Failure =>
  failure.status === undefined && status !== 0 ? { ...failure, status } : failure

const sentences: Readonly<Record<TimeoutPhase, string>> = {
  connect: "no connection within the limit",
  first_token: "no output within the limit for the first token",
  idle: "no output within the limit between two tokens",
  total: "not done within the limit of one attempt",
  share: "not done within this candidate's share of the deadline",
  deadline: "not done within the request's deadline"
}

/** A time limit passed. */
export const timeout = (fail: Fail, phase: TimeoutPhase): ProviderError => {
  const { provider, instance, model } = fail({ category: "timeout", message: "" })
  return new ProviderTimeout({ provider, instance, model, message: sentences[phase], phase })
}
