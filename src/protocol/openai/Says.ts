import * as Json from "../Json.js"

/** What is null, false, empty or the default asks for nothing. */
export const says = (value: unknown, key: string): boolean =>
  value !== undefined &&
  !(Object.hasOwn(defaults, key) && JSON.stringify(value) === defaults[key]) &&
  value !== null &&
  value !== false &&
  !(Array.isArray(value) && value.length === 0) &&
  !(Json.isRecord(value) && Object.keys(value).length === 0)

const defaults: Readonly<Record<string, string>> = {
  modalities: '["text"]',
  verbosity: '"medium"',
  service_tier: '"auto"'
}
