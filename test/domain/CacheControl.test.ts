import { assert, describe, it } from "@effect/vitest"
import * as CacheControl from "../../src/domain/CacheControl.js"

const silent = { noCache: false, noStore: false, maxAge: undefined, onlyIfCached: false }

describe("cache-control of a request", () => {
  it("takes an age beyond all counting for the longest, not for none", () => {
    const ages: ReadonlyArray<readonly [string, number]> = [
      ["2147483647", 2_147_483_647],
      ["2147483649", 2_147_483_648],
      ["99999999999", 2_147_483_648],
      ['"' + "9".repeat(400) + '"', 2_147_483_648],
      ["0".repeat(20) + "60", 60]
    ]
    for (const [text, maxAge] of ages) {
      assert.deepStrictEqual(CacheControl.parse(`max-age=${text}`), { ...silent, maxAge }, text)
    }
    assert.strictEqual(CacheControl.parse(`max-age=60, max-age=${"9".repeat(11)}`).maxAge, 60)
  })

  it("is read in any case, with any white space, and beside what nobody knows", () => {
    assert.deepStrictEqual(CacheControl.parse("No-Cache"), { ...silent, noCache: true })
    assert.deepStrictEqual(CacheControl.parse(" foo=1 ,no-store,, max-age = 60 "), {
      ...silent,
      noStore: true,
      maxAge: 60
    })
    assert.deepStrictEqual(CacheControl.parse('only-if-cached, max-age="5"'), {
      ...silent,
      maxAge: 5,
      onlyIfCached: true
    })
    assert.deepStrictEqual(CacheControl.parse(""), silent)
  })

  it("takes the smaller of two ages, and no age or a wrong one for none at all", () => {
    assert.strictEqual(CacheControl.parse("max-age=60, max-age=10").maxAge, 10)
    for (const wrong of ["max-age", "max-age=", "max-age=-1", "max-age=soon", "max-age=0"]) {
      assert.deepStrictEqual(CacheControl.parse(wrong), { ...silent, noCache: true, maxAge: 0 }, wrong)
    }
  })
})
