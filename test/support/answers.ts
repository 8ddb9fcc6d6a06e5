import type { StoredAnswer } from "../../src/cache/CacheStore.js"
import * as Money from "../../src/domain/Money.js"

/** An answer as it is kept. */
export const stored = (body: string | Uint8Array, more: Partial<StoredAnswer> = {}): StoredAnswer => ({
  body: typeof body === "string" ? Buffer.from(body) : body,
  frames: undefined,
  provider: "openai",
  instance: "a",
  model: "m",
  dropped: [],
  answered: "m-1",
  usage: undefined,
  cost: Money.fromUsd(0.001),
  ms: 500,
  storedAt: 0,
  ...more
})
