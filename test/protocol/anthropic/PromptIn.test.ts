import { assert, describe, it } from "@effect/vitest"
import type { Part } from "../../../src/domain/Prompt.js"
import * as AnswerOut from "../../../src/protocol/anthropic/AnswerOut.js"
import * as PromptIn from "../../../src/protocol/anthropic/PromptIn.js"
import * as Json from "../../../src/protocol/Json.js"
import { assistant, call, prompt, result, text, user } from "../../support/turns.js"
import { answering } from "./answering.js"

const nothing = { id: undefined, model: undefined, usage: undefined, reportedCost: undefined }

const asked = (members: object) => PromptIn.prompt(Json.record(Json.parse(JSON.stringify(members))))

/** The parts that a message's content holds. */
const parts = (content: unknown, role = "user"): ReadonlyArray<Part> =>
  asked({ messages: [{ role, content }] }).messages[0]?.parts ?? []

const image = (source: object) => ({ type: "image", source })
const document = (source: object, more: object = {}) => ({ type: "document", source, ...more })
const png = { type: "base64", media_type: "image/png", data: "aGk=" }
const thinking = (words: string, signature?: string) => ({ type: "thinking", thinking: words, signature })
const use = (id: string, name = "look", input: object = {}) => ({ type: "tool_use", id, name, input })

const seen = (source: (Part & { readonly _tag: "Image" })["source"]): Part => ({
  _tag: "Image",
  source,
  detail: undefined,
  cache: undefined
})
const read = (source: (Part & { readonly _tag: "Document" })["source"], name?: string): Part => ({
  _tag: "Document",
  source,
  name,
  cache: undefined
})
const thought = (words: string, origin?: string, value = "s"): Part => ({
  _tag: "Reasoning",
  text: words,
  seal: origin === undefined ? undefined : { origin, value }
})

describe("the messages of an Anthropic request", () => {
  it("are the system prompt first, then who says what; a system message stays where it is", () => {
    assert.deepStrictEqual(
      asked({
        system: "Be brief.",
        messages: [
          { role: "user", content: "Hi" },
          { role: "assistant", content: [{ type: "text", text: "Hello" }] },
          { role: "system", content: "Be briefer." }
        ]
      }),
      prompt({
        messages: [
          { role: "system", parts: [text("Be brief.")] },
          user(text("Hi")),
          assistant(text("Hello")),
          { role: "system", parts: [text("Be briefer.")] }
        ]
      })
    )
  })

  it("have no system prompt where that is empty or absent", () => {
    for (const system of ["", [], undefined]) assert.deepStrictEqual(asked({ system, messages: [] }), prompt({}))
  })

  it("hold text, and marks for the cache", () => {
    const marked = (cache_control: object) => parts([{ type: "text", text: "a", cache_control }])
    assert.deepStrictEqual(parts("a"), [text("a")])
    assert.deepStrictEqual(parts(""), [])
    assert.deepStrictEqual(marked({ type: "ephemeral" }), [{ _tag: "Text", text: "a", cache: { ttl: "5m" } }])
    assert.deepStrictEqual(marked({ type: "ephemeral", ttl: "1h" }), [
      { _tag: "Text", text: "a", cache: { ttl: "1h" } }
    ])
  })

  it("hold images, as bytes or by their address", () => {
    assert.deepStrictEqual(parts([image(png), image({ type: "url", url: "https://a/b" })]), [
      seen({ _tag: "Base64", mediaType: "image/png", data: "aGk=" }),
      seen({ _tag: "Url", url: "https://a/b" })
    ])
  })

  it("hold documents: bytes, text, or an address, by their title", () => {
    assert.deepStrictEqual(
      parts([
        document({ type: "base64", media_type: "application/pdf", data: "aGk=" }, { title: "a.pdf" }),
        document({ type: "text", media_type: "text/plain", data: "words" }),
        document({ type: "url", url: "https://a/b" })
      ]),
      [
        read({ _tag: "Base64", mediaType: "application/pdf", data: "aGk=" }, "a.pdf"),
        read({ _tag: "PlainText", text: "words" }),
        read({ _tag: "Url", url: "https://a/b" })
      ]
    )
  })

  it("hold calls and their results, which know the tool by its call", () => {
    const { messages } = asked({
      messages: [
        { role: "assistant", content: [use("a", "look", { at: 1 }), use("b", "hear")] },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "b", content: "noise" },
            { type: "tool_result", tool_use_id: "a", is_error: true, content: [image(png)] },
            { type: "tool_result", tool_use_id: "c" }
          ]
        }
      ]
    })
    assert.deepStrictEqual(messages, [
      assistant(call("a", "look", '{"at":1}'), call("b", "hear", "{}")),
      user(
        result("b", "hear", text("noise")),
        { ...result("a", "look", seen({ _tag: "Base64", mediaType: "image/png", data: "aGk=" })), failed: true },
        result("c", undefined)
      )
    ])
  })

  it("hold the ids that other vendors gave their calls, in whatever form the caller saw them", () => {
    const { content } = AnswerOut.encode(
      {
        ...nothing,
        events: [{ _tag: "ToolCall", index: 0, call: 0, id: "functions.look:0", name: "look", arguments: "" }]
      },
      answering()
    )
    assert.deepStrictEqual(parts(content, "assistant"), [call("functions.look:0", "look", "{}")])
    const [used] = Json.records(content)
    const answered = [{ type: "tool_result", tool_use_id: used?.["id"] }]
    assert.deepStrictEqual(parts(answered), [result("functions.look:0", undefined)])
  })

  it("hold the input of a call to the last digit", () => {
    const body = `{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{"n":12345678901234567890}}]}]}`
    const { messages } = PromptIn.once(Buffer.from(body))()
    assert.deepStrictEqual(messages, [assistant(call("a", "f", '{"n":12345678901234567890}'))])
  })

  it("hold what they do not understand as such, by its kind", () => {
    const kinds = (content: ReadonlyArray<unknown>) =>
      parts(content).map((part) => (part._tag === "Foreign" ? part.kind : part._tag))
    assert.deepStrictEqual(
      kinds([
        { type: "server_tool_use", id: "a", name: "web_search", input: {} },
        { type: "search_result", content: [] },
        image({ type: "file", file_id: "f" }),
        document({ type: "content", content: [] }),
        { type: 7 },
        {}
      ]),
      ["server_tool_use", "search_result", "image", "document", "unknown", "unknown"]
    )
    assert.deepStrictEqual(kinds([null, 7, "words"]), [])
  })
})

describe("the seals in an Anthropic request", () => {
  it("are Anthropic's own, or of the origin that their mark names", () => {
    assert.deepStrictEqual(
      parts(
        [
          thinking("a", "s"),
          thinking("b", "orelse~gemini~s"),
          { type: "redacted_thinking", data: "s" },
          { type: "redacted_thinking", data: "orelse~my-own~s~s" }
        ],
        "assistant"
      ),
      [
        thought("a", "anthropic"),
        thought("b", "gemini"),
        { _tag: "Sealed", seal: { origin: "anthropic", value: "s" } },
        { _tag: "Sealed", seal: { origin: "my-own", value: "s~s" } }
      ]
    )
  })

  it("are none on a thought that nobody signed", () => {
    const content = [thinking("a", "orelse~nobody~"), thinking("b", ""), thinking("c")]
    assert.deepStrictEqual(parts(content, "assistant"), [thought("a"), thought("b"), thought("c")])
  })

  it("belong to the call behind an empty thought, when another vendor sealed it", () => {
    const sealed = { ...call("a", "look", "{}"), seal: { origin: "gemini", value: "s" } }
    assert.deepStrictEqual(parts([thinking("", "orelse~gemini~s"), use("a")], "assistant"), [sealed])
    assert.deepStrictEqual(
      parts([thinking("", "orelse~gemini~s"), use("a"), use("b"), thinking("", "orelse~gemini~t")], "assistant"),
      [sealed, call("b", "look", "{}"), thought("", "gemini", "t")]
    )
  })

  it("stay on a thought that is not empty, or Anthropic's own, or not before a call", () => {
    const own = [thinking("", "s"), use("a")]
    const said = [thinking("hm", "orelse~gemini~s"), use("a")]
    const apart = [thinking("", "orelse~gemini~s"), { type: "text", text: "b" }, use("a")]
    const tags = (content: ReadonlyArray<unknown>) => parts(content, "assistant").map(({ _tag }) => _tag)
    assert.deepStrictEqual(tags(own), ["Reasoning", "ToolCall"])
    assert.deepStrictEqual(tags(said), ["Reasoning", "ToolCall"])
    assert.deepStrictEqual(tags(apart), ["Reasoning", "Text", "ToolCall"])
    for (const content of [own, said, apart]) {
      assert.deepInclude(parts(content, "assistant").at(-1), { _tag: "ToolCall", seal: undefined })
    }
  })
})

describe("the prompt of an Anthropic request", () => {
  it("is read when it is first needed, and once", () => {
    const once = PromptIn.once(Buffer.from('{"messages":[{"role":"user","content":"Hi"}]}'))
    assert.strictEqual(once(), once())
  })

  it("is not taken for an empty one where the body is nested beyond reading", () => {
    const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`
    assert.throws(PromptIn.once(Buffer.from(`{"n":12345678901234567890,"messages":[],"deep":${deep}}`)))
  })
})
