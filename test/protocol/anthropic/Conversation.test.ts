import { assert, describe, it } from "@effect/vitest"
import type { Part, Prompt } from "../../../src/domain/Prompt.js"
import * as Json from "../../../src/protocol/Json.js"
import { assistant, call, image, result, text, user } from "../../support/turns.js"
import { asked, talk, thought, tool } from "./asking.js"

const said = (words: string) => ({ type: "text", text: words })
const system = (words: string) => ({ role: "system", parts: [text(words)] }) as const
const marked = (words: string, ttl: "5m" | "1h" = "5m"): Part => ({ _tag: "Text", text: words, cache: { ttl } })

describe("The conversation in a request to Anthropic", () => {
  it("has leading system messages as the system prompt, and later ones as the user's words", () => {
    assert.deepStrictEqual(talk([system("a"), system("b"), user(text("c")), assistant(text("d")), system("e")]), {
      system: [said("a"), said("b")],
      turns: [
        ["user", said("c")],
        ["assistant", said("d")],
        ["user", said("e")]
      ],
      lost: ["system_position"]
    })
  })

  it("has a system prompt alone as what the user says", () => {
    assert.deepStrictEqual(talk([system("a")]), { system: undefined, turns: [["user", said("a")]], lost: [] })
  })

  it("makes one message of those that one role says in a row, and none of those that say nothing", () => {
    const { turns } = talk([
      user(text("a")),
      user(text("b")),
      assistant(text(" \n")),
      user(text("c")),
      assistant({ _tag: "Refusal", text: "no" })
    ])
    assert.deepStrictEqual(turns, [
      ["user", said("a"), said("b"), said("c")],
      ["assistant", said("no")]
    ])
  })

  it("leaves an assistant that speaks first as it is", () => {
    assert.deepStrictEqual(talk([assistant(text("Hello")), user(text("Hi"))]).turns, [
      ["assistant", said("Hello")],
      ["user", said("Hi")]
    ])
  })

  it("has the results of tools first", () => {
    const { turns } = talk([
      assistant(call("a", "look", "{}"), call("b", "look", '{"at":"x"}')),
      user(text("and?"), result("a", "look", text("1"))),
      user({ ...result("b", "look"), failed: true })
    ])
    assert.deepStrictEqual(turns, [
      [
        "assistant",
        { type: "tool_use", id: "a", name: "look", input: {} },
        { type: "tool_use", id: "b", name: "look", input: { at: "x" } }
      ],
      [
        "user",
        { type: "tool_result", tool_use_id: "a", content: [said("1")] },
        { type: "tool_result", tool_use_id: "b", is_error: true },
        said("and?")
      ]
    ])
  })

  it("writes ids that Anthropic would refuse anew, the same one for a call and its result", () => {
    const ids = (first: string, second: string) => {
      const { turns } = talk([
        assistant(call(first, "f", ""), call(second, "f", "")),
        user(result(first, "f"), result(second, "f"))
      ])
      return turns.map(([, ...blocks]) => Json.records(blocks).map(({ id, tool_use_id }) => id ?? tool_use_id))
    }
    const [calls = [], results] = ids("fc:1|x", "fc.1|x")
    assert.deepStrictEqual(calls, results)
    assert.notStrictEqual(calls[0], calls[1])
    for (const id of calls) assert.match(String(id), /^[a-zA-Z0-9_-]{1,64}$/)
    assert.deepStrictEqual(ids("call_1", "toolu-2")[0], ["call_1", "toolu-2"])
  })

  it.each([
    ["", "{}"],
    [' {"n":12345678901234567890} ', '{"n":12345678901234567890}'],
    ["[1]", '{"arguments":"[1]"}'],
    ['{"half', '{"arguments":"{\\"half"}']
  ])("has the arguments %j as the input %s", (args, input) => {
    const { turns } = talk([assistant(call("a", "f", args)), user(result("a", "f"))])
    assert.strictEqual(Json.stringify(Json.record(turns[0]?.[1])["input"]), input)
  })

  it("replays the thoughts that this endpoint sealed, and no others", () => {
    const sealed = (origin: string): Part => ({ _tag: "Sealed", seal: { origin, value: "data" } })
    const { lost, turns } = talk([
      assistant(thought("a", "anthropic"), sealed("anthropic"), thought("", "anthropic"), text("so"))
    ])
    assert.deepStrictEqual(turns, [
      [
        "assistant",
        { type: "thinking", thinking: "a", signature: "sig-a" },
        { type: "redacted_thinking", data: "data" },
        { type: "thinking", thinking: "", signature: "sig-" },
        said("so")
      ]
    ])
    assert.deepStrictEqual(lost, [])
    for (const other of [thought("a", "gemini"), thought("a"), sealed("openrouter")]) {
      assert.deepStrictEqual(talk([assistant(other, text("so"))]), {
        system: undefined,
        turns: [["assistant", said("so")]],
        lost: ["reasoning_history"]
      })
    }
    const signedCall = { ...call("a", "f", "{}"), seal: { origin: "gemini", value: "s" } }
    assert.deepStrictEqual(talk([assistant(signedCall)]).lost, ["reasoning_history"])
  })

  it("shows images of the types that Anthropic knows, and says of the others that they are lost", () => {
    const bytes = (mediaType: string) => image({ source: { _tag: "Base64", mediaType, data: "aGk=" } })
    const at = (url: string) => image({ source: { _tag: "Url", url } })
    const { lost, turns } = talk([user(bytes("image/png"), bytes("image/JPG"), at("https://a.test/b.png"))])
    assert.deepStrictEqual(turns, [
      [
        "user",
        { type: "image", source: { type: "base64", media_type: "image/png", data: "aGk=" } },
        { type: "image", source: { type: "base64", media_type: "image/jpeg", data: "aGk=" } },
        { type: "image", source: { type: "url", url: "https://a.test/b.png" } }
      ]
    ])
    assert.deepStrictEqual(lost, [])
    assert.deepStrictEqual(talk([user(text("a"), bytes("image/svg+xml"))]).lost, ["images"])
    assert.deepStrictEqual(talk([user(text("a"), at("http://a.test/b.png"))]).lost, ["image_urls"])
    assert.deepStrictEqual(talk([assistant(text("a"), bytes("image/png"))]).lost, ["images"])
    assert.deepStrictEqual(talk([user(image({ detail: "low" }))]).lost, ["image_detail"])
  })

  it("shows documents that are PDF or text, and says of the others that they are lost", () => {
    const document = (source: Extract<Part, { readonly _tag: "Document" }>["source"], name?: string): Part => ({
      _tag: "Document",
      source,
      name,
      cache: undefined
    })
    const pdf = { _tag: "Base64", mediaType: "application/pdf", data: "JVBERg==" } as const
    const { lost, turns } = talk([
      user(
        document(pdf, "a.pdf"),
        document({ _tag: "Url", url: "https://a.test/b.pdf" }),
        document({ _tag: "PlainText", text: "c" }, ""),
        document({ _tag: "Base64", mediaType: "text/csv", data: Buffer.from("ä,1").toString("base64") })
      )
    ])
    const plain = (data: string) => ({ type: "document", source: { type: "text", media_type: "text/plain", data } })
    assert.deepStrictEqual(turns, [
      [
        "user",
        {
          type: "document",
          source: { type: "base64", media_type: "application/pdf", data: "JVBERg==" },
          title: "a.pdf"
        },
        { type: "document", source: { type: "url", url: "https://a.test/b.pdf" } },
        plain("c"),
        plain("ä,1")
      ]
    ])
    assert.deepStrictEqual(lost, [])
    const word = document({ _tag: "Base64", mediaType: "application/msword", data: "" })
    assert.deepStrictEqual(talk([user(text("a"), word)]).lost, ["documents"])
  })

  it("says of sounds and of parts of another dialect that they are lost", () => {
    const audio: Part = { _tag: "Audio", format: "wav", data: "" }
    const parts = [text("a"), audio, { _tag: "Foreign", kind: "search_result" } as const]
    assert.deepStrictEqual(talk([user(...parts)]).lost, ["audio", "foreign:search_result"])
  })
})

describe("Marks for the cache in a request to Anthropic", () => {
  const marks = (messages: Prompt["messages"], tools: Prompt["tools"] = []) => {
    const { json, lost } = asked("claude-sonnet-4-5", { messages, tools })
    const blocks = [json["tools"], json["system"], ...Json.records(json["messages"]).map(({ content }) => content)]
    const inner = blocks.flatMap(Json.records).flatMap((block) => [...Json.records(block["content"]), block])
    return { marks: inner.map((block) => block["cache_control"]), lost }
  }
  const short = { type: "ephemeral" }
  const long = { type: "ephemeral", ttl: "1h" }
  const cache = { ttl: "5m" } as const

  it("stay where they are", () => {
    const messages = [system("a"), user({ ...result("c", "f", marked("b")), cache }, text("c"))]
    assert.deepStrictEqual(marks(messages, [tool("f", { cache: { ttl: "1h" } })]), {
      marks: [long, undefined, short, short, undefined],
      lost: []
    })
  })

  it("are four at most: the first and the last ones", () => {
    const messages = [user(...["a", "b", "c", "d"].map((words) => marked(words)))]
    assert.deepStrictEqual(marks(messages, [tool("f", { cache }), tool("g", { cache })]), {
      marks: [short, undefined, undefined, short, short, short],
      lost: ["cache_control"]
    })
  })

  it("are for five minutes behind one for five minutes", () => {
    assert.deepStrictEqual(marks([user(marked("a", "1h"), marked("b"), marked("c", "1h"))]), {
      marks: [long, short, short],
      lost: ["cache_control"]
    })
  })

  it("are left out with what they stand on", () => {
    assert.deepStrictEqual(marks([user(marked(" "), text("a"))]), { marks: [undefined], lost: ["cache_control"] })
  })
})
