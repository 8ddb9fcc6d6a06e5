import * as Json from "./Json.js"

/**
 * The JSON text of a value that a provider gave instead of a text; empty where there is none, or one that is nested so
 * deeply that it cannot be written.
 */
export const of = (value: unknown): string => {
  if (value === undefined || value === null) return ""
  try {
    return Json.stringify(value)
  } catch {
    return ""
  }
}
