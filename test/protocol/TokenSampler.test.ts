import { assert, describe, it } from "@effect/vitest"
import * as Tokenizer from "../../src/protocol/Tokenizer.js"
import { TokenSampler } from "../../src/protocol/TokenSampler.js"

const words = "unbelievable circumstances notwithstanding ".repeat(50)

describe("a count of tokens that nobody waits for", () => {
  it("is four bytes a token until the tokenizer is loaded, and the tokenizer's then", async () => {
    const loading = Promise.resolve<Tokenizer.Count>((text) => text.length)
    const sampler = new TokenSampler(() => loading)
    assert.strictEqual(sampler.count(["abcdefgh", "abcd"]), 3)
    await loading
    assert.strictEqual(sampler.count(["abcdefgh", "abcd"]), 12)
  })

  it("loads the tokenizer once, and not before anything is counted", () => {
    let loaded = 0
    const sampler = new TokenSampler(() => {
      loaded++
      return new Promise(() => {})
    })
    assert.strictEqual(loaded, 0)
    for (const _ of [1, 2, 3]) sampler.count([words])
    assert.strictEqual(loaded, 1)
  })

  it("stays rough where the tokenizer cannot be loaded", async () => {
    const failing = Promise.reject<Tokenizer.Count>(new Error("no such module"))
    const sampler = new TokenSampler(() => failing)
    sampler.count(["abcd"])
    await failing.catch(() => {})
    assert.strictEqual(sampler.count(["abcdefgh"]), 2)
  })

  it("is that of the real tokenizer, which is loaded in the background", async () => {
    const count = await Tokenizer.load()
    const loaded = Promise.resolve(count)
    const sampler = new TokenSampler(() => loaded)
    sampler.count([])
    await loaded
    assert.strictEqual(sampler.count([words]), count(words))
    assert.notStrictEqual(sampler.count([words]), Tokenizer.roughly(words))
  })

  it("is rough for a text that a tokenizer takes seconds for", async () => {
    const loaded = Promise.resolve<Tokenizer.Count>(() => assert.fail("it was asked"))
    const sampler = new TokenSampler(() => loaded)
    sampler.count([])
    await loaded
    assert.strictEqual(sampler.count(["a".repeat(2_000)]), 500)
  })
})
