import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import type { ChatRequest } from "../../../src/domain/ChatRequest.js"
import * as RequestIn from "../../../src/protocol/anthropic/RequestIn.js"
import * as Splice from "../../../src/protocol/anthropic/Splice.js"
import type { Outbound } from "../../../src/protocol/Dialects.js"
import { outbound } from "../../support/turns.js"

const requestOf = (body: string, decode = RequestIn.decodeRequest): ChatRequest =>
  Either.getOrThrow(decode(Buffer.from(body), JSON.parse(body)))

/** What an instance is sent, and what of it is lost. */
const sent = (body: string, set: Partial<Outbound> = {}, decode = RequestIn.decodeRequest) => {
  const spliced = Splice.encode(requestOf(body, decode), outbound({ model: "m", realm: "anthropic", ...set }))
  return { text: Buffer.from(spliced.body).toString(), lost: [...spliced.lost].toSorted() }
}

const delicate = `{ "n": [1e400, 9007199254740993, -0.0],\t"model": "m", "max_tokens": 5,
  "messages": [{"role": "user", "content": "\\u00e9 orelse~gemini~ \\/", "role": "user"}] }`

describe("an Anthropic request that passes on", () => {
  it("is the caller's own bytes where nothing must change", () => {
    const request = requestOf(delicate)
    const { body, lost } = Splice.encode(request, outbound({ model: "m", realm: "anthropic" }))
    assert.strictEqual(body, request.body)
    assert.strictEqual(lost.size, 0)
  })

  it("names the candidate's model, tokens and temperature, asks for what is wanted, and keeps every other byte", () => {
    const set = { model: "other", maxTokens: 7, temperature: 0.5, stream: true }
    const changed = delicate
      .replace('"m"', '"other"')
      .replace('"max_tokens": 5', '"max_tokens": 7')
      .replace("] }", '],"temperature":0.5,"stream":true }')
    assert.deepStrictEqual(JSON.parse(sent(delicate, set).text), JSON.parse(changed))
    assert.include(sent(delicate, set).text, "[1e400, 9007199254740993, -0.0],\t")
    assert.include(sent(delicate, set).text, '"\\u00e9 orelse~gemini~ \\/"')
  })

  it("does not hold what is meant for the gateway", () => {
    const own = `"models":["n"],"fallback":{"enabled":false},"provider":{"order":[]},"require":"lossless"`
    assert.deepStrictEqual(sent(`{"model":"m","max_tokens":5,"messages":[],${own}}`), {
      text: `{"model":"m","max_tokens":5,"messages":[]}`,
      lost: []
    })
  })

  it("has no bound and no stream where tokens are counted", () => {
    const body = `{"model":"m","messages":[],"require":"lossless"}`
    const set = { model: "other", maxTokens: 7, temperature: 0.5, stream: true }
    assert.strictEqual(sent(body, set, RequestIn.decodeCountRequest).text, `{"model":"other","messages":[]}`)
  })
})

const thinking = (signature: string) => ({ type: "thinking", thinking: "hm", signature })
const redacted = (data: string) => ({ type: "redacted_thinking", data })
const said = { type: "text", text: "a" }
const use = { type: "tool_use", id: "t", name: "look", input: { n: 1 } }
const answered = { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "b" }] }

const body = (turns: ReadonlyArray<object>, more: object = {}): string =>
  JSON.stringify({ model: "m", max_tokens: 5, messages: turns, ...more })

const assistant = (...content: ReadonlyArray<object>) => ({ role: "assistant", content })

/** What an endpoint of this realm is shown of an assistant's blocks. */
const shown = (realm: string, ...content: ReadonlyArray<object>) => {
  const { lost, text } = sent(body([assistant(...content)]), { realm })
  return { content: JSON.parse(text).messages[0]?.content, lost }
}

describe("the seals in an Anthropic request that passes on", () => {
  it("go to Anthropic as they are when they are Anthropic's, without a byte changed", () => {
    const request = requestOf(body([assistant(thinking("s"), redacted("d"), said)]))
    const { body: same } = Splice.encode(request, outbound({ model: "m", realm: "anthropic" }))
    assert.strictEqual(same, request.body)
  })

  it.each(["orelse~gemini~s", "orelse~nobody~", ""])(
    "never go to Anthropic when another or nobody made them: %j",
    (seal) => {
      assert.deepStrictEqual(shown("anthropic", thinking(seal), said), { content: [said], lost: ["reasoning_history"] })
      const spaced = `{"model":"m","max_tokens":5,"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature": ${JSON.stringify(seal)}},{"type":"text","text":"a"}]}]}`
      assert.deepStrictEqual(JSON.parse(sent(spaced).text).messages, [assistant(said)])
    }
  )

  it("go back without their mark to the endpoint that made them, and only there", () => {
    const own = [thinking("orelse~mine~s"), redacted("orelse~mine~d")]
    const others = [thinking("s"), redacted("d"), thinking("orelse~gemini~s"), redacted("orelse~gemini~d")]
    assert.deepStrictEqual(shown("mine", ...own, said), { content: [thinking("s"), redacted("d"), said], lost: [] })
    assert.deepStrictEqual(shown("mine", ...own, ...others, said), {
      content: [thinking("s"), redacted("d"), said],
      lost: ["reasoning_history"]
    })
    assert.deepStrictEqual(shown("other", ...own, said), { content: [said], lost: ["reasoning_history"] })
  })

  it("take a message with them of which nothing is left, since an empty one is refused", () => {
    const turns = [
      { role: "user", content: "x" },
      assistant(thinking("orelse~gemini~s")),
      { role: "user", content: "y" }
    ]
    const { lost, text } = sent(body(turns))
    assert.deepStrictEqual(JSON.parse(text).messages, [turns[0], turns[2]])
    assert.deepStrictEqual(lost, ["reasoning_history"])
  })

  it("leave big numbers in the same message as they are", () => {
    const input = `{"n":12345678901234567890}`
    const text = sent(
      `{"model":"m","max_tokens":5,"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"orelse~gemini~s"},{"type":"tool_use","id":"t","name":"look","input":${input}}]}]}`
    ).text
    assert.include(text, `"input":${input}`)
    assert.notInclude(text, "signature")
  })

  it("take the budget to think with them where the turn goes on without its thought, which Anthropic refuses", () => {
    const turns = [{ role: "user", content: "x" }, assistant(thinking("orelse~gemini~s"), use), answered]
    const budget = { thinking: { type: "enabled", budget_tokens: 1024 } }
    const { lost, text } = sent(body(turns, budget))
    assert.notProperty(JSON.parse(text), "thinking")
    assert.deepStrictEqual(lost, ["reasoning_history", "thinking"])
  })

  it("take it also where the turn began at another provider without a thought", () => {
    const turns = [{ role: "user", content: "x" }, assistant(use), answered]
    const { lost, text } = sent(body(turns, { thinking: { type: "enabled", budget_tokens: 1024 } }))
    assert.deepStrictEqual([JSON.parse(text).thinking, lost], [undefined, ["thinking"]])
  })

  it.each([
    ["thinks as it likes", { type: "adaptive" }, [thinking("orelse~gemini~s"), use]],
    ["does not think", { type: "disabled" }, [thinking("orelse~gemini~s"), use]],
    ["still has a thought of its own", { type: "enabled" }, [thinking("s"), thinking("orelse~gemini~s"), use]],
    ["called no tool", { type: "enabled" }, [thinking("orelse~gemini~s"), said]]
  ])("leave `thinking` as it is for a model that %s", (_, asked, content) => {
    const next = content.some((block) => block === use) ? answered : { role: "user", content: "go on" }
    const { lost, text } = sent(body([assistant(...content), next], { thinking: asked }))
    assert.deepStrictEqual(JSON.parse(text).thinking, asked)
    assert.deepStrictEqual(lost, ["reasoning_history"])
  })
})
