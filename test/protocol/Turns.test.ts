import { assert, describe, it } from "@effect/vitest"
import type { Message, Part } from "../../src/domain/Prompt.js"
import type { Lost } from "../../src/protocol/Lossiness.js"
import * as Turns from "../../src/protocol/Turns.js"
import { assistant, call, image, prompt, result, text, tool, user } from "../support/turns.js"

const turns = (...messages: ReadonlyArray<Message>) => {
  const lost = new Set<Lost>()
  return { turns: Turns.of(messages, "here", lost), lost: [...lost].toSorted() }
}

const seal = (origin: string) => ({ origin, value: "s" })
const thought = (said: string, origin?: string): Part => ({
  _tag: "Reasoning",
  text: said,
  seal: origin === undefined ? undefined : seal(origin)
})

describe("the turns of a prompt", () => {
  it("hold the texts of a message with a blank line between them, refusals and plain documents too", () => {
    const source = { _tag: "PlainText", text: "c" } as const
    const document: Part = { _tag: "Document", source, name: "c.txt", cache: undefined }
    const read = turns(user(text("a"), text(""), document), assistant({ _tag: "Refusal", text: "no" }))
    assert.deepStrictEqual(
      read.turns.map((turn) => [turn.role, turn.text]),
      [
        ["user", "a\n\nc"],
        ["assistant", "no"]
      ]
    )
    assert.deepStrictEqual(read.lost, [])
  })

  it("put each tool's result before what the user says, and let the user show what is no text in it", () => {
    const read = turns(
      user(text("see"), result("c1", "look", text("22"), image()), result("c2", undefined, text("23")))
    )
    assert.deepStrictEqual(
      read.turns.map((turn) => [turn.role, turn.text, turn.result?.id, turn.images.length]),
      [
        ["tool", "22", "c1", 0],
        ["tool", "23", "c2", 0],
        ["user", "see", undefined, 1]
      ]
    )
  })

  it("say in words that a tool failed", () => {
    const read = turns(user({ ...result("c1", "look", text("no such file")), failed: true }))
    assert.deepStrictEqual(
      read.turns.map((turn) => turn.text),
      ["Error: no such file"]
    )
    assert.deepStrictEqual(read.lost, ["tool_errors"])
  })

  it("replay reasoning that this endpoint or nobody sealed", () => {
    const read = turns(assistant(thought("a"), thought("b", "here"), thought("c", "there"), text("so")))
    assert.strictEqual(read.turns[0]?.thoughts, "ab")
    assert.deepStrictEqual(read.lost, ["reasoning_history"])
  })

  it("replay no reasoning where a message has no place for it", () => {
    const lost = new Set<Lost>()
    const [turn] = Turns.of([assistant(thought("a"), text("so"))], undefined, lost)
    assert.strictEqual(turn?.thoughts, "")
    assert.deepStrictEqual([...lost], ["reasoning_history"])
  })

  it("leave out an answer of which nothing is left, but never the user's question", () => {
    const sealed: Part = { _tag: "Sealed", seal: seal("there") }
    const audio: Part = { _tag: "Audio", format: "wav", data: "aGk=" }
    const read = turns({ role: "system", parts: [] }, user(audio), assistant(sealed))
    assert.deepStrictEqual(
      read.turns.map((turn) => [turn.role, turn.text]),
      [["user", ""]]
    )
    assert.deepStrictEqual(read.lost, ["audio", "reasoning_history"])
  })

  const cache = { ttl: "5m" } as const
  const url = { _tag: "Url", url: "https://a.example/b" } as const
  const pdf = { _tag: "Base64", mediaType: "application/pdf", data: "aGk=" } as const
  const losses: ReadonlyArray<readonly [string, Part, ReadonlyArray<Lost>]> = [
    ["a cache mark", { _tag: "Text", text: "a", cache }, ["cache_control"]],
    ["an image by its URL", image({ source: url }), ["image_urls"]],
    ["an image's detail", image({ detail: "high" }), ["image_detail"]],
    ["a document", { _tag: "Document", source: pdf, name: undefined, cache }, ["cache_control", "documents"]],
    ["a document by its URL", { _tag: "Document", source: url, name: undefined, cache: undefined }, ["documents"]],
    ["audio", { _tag: "Audio", format: "mp3", data: "aGk=" }, ["audio"]],
    ["sealed reasoning", { _tag: "Sealed", seal: seal("here") }, ["reasoning_history"]],
    ["a foreign part", { _tag: "Foreign", kind: "search" }, ["foreign:search"]],
    ["what a tool gave", result("c1", "look", { _tag: "Foreign", kind: "search" }), ["foreign:search"]]
  ]
  for (const [what, part, lost] of losses) {
    it(`say that ${what} is lost`, () => {
      assert.deepStrictEqual(turns(user(text("a"), part)).lost, lost)
    })
  }

  it("say that a tool call's seal is lost", () => {
    const sealed: Part = { _tag: "ToolCall", id: "c", name: "look", arguments: "{}", seal: seal("here"), cache }
    assert.deepStrictEqual(turns(assistant(sealed)).lost, ["cache_control", "reasoning_history"])
  })

  it("lose nothing of a plain talk with tools and pictures", () => {
    const read = turns(
      { role: "system", parts: [text("be brief")] },
      user(text("what is it?"), image({ detail: "auto" })),
      assistant(text("I look"), call("c1", "look", "{}")),
      user(result("c1", "look", text("a cat")))
    )
    assert.deepStrictEqual(read.lost, [])
    assert.lengthOf(read.turns, 4)
  })
})

describe("functions", () => {
  const functions = (asked: Parameters<typeof prompt>[0]) => {
    const lost = new Set<Lost>()
    return { functions: Turns.functions(prompt(asked), lost), lost: [...lost].toSorted() }
  }

  it("always have parameters, because they are required", () => {
    assert.deepStrictEqual(functions({ tools: [tool] }).functions, [
      {
        type: "function",
        function: { name: "look", description: "Looks.", parameters: { type: "object", properties: {} } }
      }
    ])
  })

  it("are left out when none may be called, which loses nothing", () => {
    const strict = { ...tool, strict: true }
    assert.deepStrictEqual(functions({ tools: [strict], toolChoice: { _tag: "None" }, parallelTools: false }), {
      functions: [],
      lost: []
    })
  })

  it("say what of the wish is lost", () => {
    const strict = { ...tool, strict: true, cache: { ttl: "1h" } as const }
    const wish = { tools: [strict], toolChoice: { _tag: "Required" }, parallelTools: false } as const
    assert.deepStrictEqual(functions(wish).lost, ["cache_control", "parallel_tools", "strict_tools", "tool_choice"])
    assert.deepStrictEqual(functions({ tools: [tool], toolChoice: { _tag: "Auto" }, parallelTools: true }).lost, [])
  })
})
