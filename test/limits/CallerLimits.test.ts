import { assert, describe, it } from "@effect/vitest"
import type { CallerLimitSettings } from "../../src/config/Settings.js"
import { local, naming } from "../../src/domain/Caller.js"
import * as CallerLimits from "../../src/limits/CallerLimits.js"

const held = (settings: ReadonlyArray<CallerLimitSettings>, caller: Partial<typeof local>) =>
  CallerLimits.make(settings)?.({ ...local, ...caller }).map(
    ({ id, requests }) => `${id} ${requests?.perMinute} ${requests?.capacity}`
  )

describe("the limits of a caller", () => {
  it("are none where none are configured, without a look at the caller", () => {
    assert.isUndefined(CallerLimits.make([]))
  })

  it("are those of everybody, of itself, and of its tenant, key and user", () => {
    const settings = ["global", "caller", "tenant:*", "key:*", "user:*"].map((scope, at) => ({
      scope,
      requestsPerMinute: at + 1,
      burst: at + 10
    }))
    assert.deepStrictEqual(held(settings, { key: "k", user: "u" }), [
      "global 1 10",
      'caller:["default","k","u"] 2 11',
      "tenant:default 3 12",
      "key:k 4 13",
      "user:u 5 14"
    ])
    assert.deepStrictEqual(held(settings, {}), [
      "global 1 10",
      'caller:["default",null,null] 2 11',
      "tenant:default 3 12"
    ])
  })

  it("are its own where it is named, in place of those of each", () => {
    const settings = [
      { scope: "user:*", requestsPerMinute: 10 },
      { scope: "user:ann", requestsPerMinute: 50 }
    ]
    assert.deepStrictEqual(held(settings, { user: "ann" }), ["user:ann 50 50"])
    assert.deepStrictEqual(held(settings, { user: "bob" }), ["user:bob 10 10"])
    // Who calls itself so shares with nobody.
    assert.deepStrictEqual(held(settings, { user: "*" }), ["user:* 10 10"])
    assert.deepStrictEqual(held([settings[1] ?? { scope: "" }], { user: "bob" }), [])
  })

  it("tell callers apart whose names are put together in another way", () => {
    const names = [
      { key: "a", user: "b" },
      { key: 'a","b', user: undefined },
      { key: undefined, user: "a" },
      { key: "a", user: undefined }
    ].map((caller) => CallerLimits.nameOf({ ...local, ...caller }))
    assert.strictEqual(new Set(names).size, 4)
  })

  it("are looked into again when the settings change", () => {
    let settings: ReadonlyArray<CallerLimitSettings> = []
    const limits = CallerLimits.live(() => settings)
    assert.isUndefined(limits())
    settings = [{ scope: "global", tokensPerMinute: 5 }]
    assert.strictEqual(limits()?.(local).length, 1)
    assert.strictEqual(limits(), limits())
  })
})

describe("the end user that a request names", () => {
  it("is the caller's, in no more than 256 plain characters", () => {
    assert.strictEqual(naming(local, "u".repeat(1_000)).user?.length, 256)
    assert.strictEqual(naming(local, "a\u0000b").user, "a\ufffdb")
    assert.strictEqual(naming(local, ""), local)
    assert.strictEqual(naming(local, undefined), local)
  })

  it("is nobody else than whom its key stands for", () => {
    assert.strictEqual(naming({ ...local, user: "ann" }, "bob").user, "ann")
  })
})
