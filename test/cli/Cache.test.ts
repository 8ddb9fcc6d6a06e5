import { assert, describe, it } from "@effect/vitest"
import { lines } from "../../src/cli/Cache.js"

const stats = {
  enabled: true,
  entries: 12,
  bytes: 34_567,
  hits: 2,
  misses: 1,
  hit_ratio: 0.6667,
  stale_hits: 0,
  coalesced: 0,
  evictions: 3,
  expirations: 4,
  saved_usd: "0.000078",
  saved_ms: 1_234
}

describe("orelse cache", () => {
  it("shows what is kept, how often it was given, and what that saved", () => {
    const shown = lines(stats)
    assert.match(shown.join("\n"), /^answers kept\s+12$/m)
    assert.match(shown.join("\n"), /^hits\s+2 \(66\.7 %\)$/m)
    assert.match(shown.join("\n"), /^saved\s+0\.000078 USD, 1\.2 s$/m)
    assert.notInclude(shown.join("\n"), "not enabled")
  })

  it("says so where there is no cache, and no ratio of nothing", () => {
    const [first, ...rest] = lines({ ...stats, enabled: false, hits: 0, misses: 0, hit_ratio: null })
    assert.match(first ?? "", /not enabled/)
    assert.match(rest.join("\n"), /^hits\s+0$/m)
  })
})
