import { assert, describe, it } from "@effect/vitest"
import type { Part, Prompt } from "../../../src/domain/Prompt.js"
import * as Json from "../../../src/protocol/Json.js"
import * as PromptIn from "../../../src/protocol/openai/PromptIn.js"
import * as Thoughts from "../../../src/protocol/openai/Thoughts.js"
import { call, prompt, result, text, user } from "../../support/turns.js"

const messagesOf = (...messages: ReadonlyArray<unknown>): Prompt["messages"] => PromptIn.prompt({ messages }).messages

/** The parts of one message. */
const partsOf = (message: object): ReadonlyArray<Part> => messagesOf({ role: "user", ...message })[0]?.parts ?? []
const assistant = (message: object): ReadonlyArray<Part> => partsOf({ role: "assistant", ...message })
const part = (content: object): Part | undefined => partsOf({ content: [content] })[0]

const asked = (json: object): Prompt => PromptIn.prompt({ messages: [], ...json })

describe("a message", () => {
  it("is the system's, the user's or the assistant's, whatever else it is called", () => {
    const roles = ["system", "developer", "user", "assistant", "critic"].map((role) => ({ role, content: "x" }))
    assert.deepStrictEqual(
      messagesOf(...roles, "?", null).map(({ role }) => role),
      ["system", "system", "user", "assistant", "user"]
    )
  })

  it("holds a text, several parts, or nothing", () => {
    assert.deepStrictEqual(partsOf({ content: "a" }), [text("a")])
    assert.deepStrictEqual(partsOf({ content: [{ type: "text", text: "a" }, "?", { type: "text" }] }), [
      text("a"),
      text("")
    ])
    for (const content of ["", null, undefined, 5, {}]) assert.deepStrictEqual(partsOf({ content }), [])
  })

  it("shows images by their address, or themselves", () => {
    const image = { _tag: "Image", detail: undefined, cache: undefined } as const
    const url = "https://a.test/b.png"
    assert.deepStrictEqual(part({ type: "image_url", image_url: { url, detail: "high" } }), {
      ...image,
      detail: "high",
      source: { _tag: "Url", url }
    })
    const data = { type: "image_url", image_url: { url: "data:image/png;base64,aGk=", detail: "auto" } }
    const source = { _tag: "Base64", mediaType: "image/png", data: "aGk=" } as const
    assert.deepStrictEqual(part(data), { ...image, source })
    assert.deepStrictEqual(part({ type: "image_url", image_url: url }), { ...image, source: { _tag: "Url", url } })
    const words = "data:text/plain,hi"
    assert.deepStrictEqual(part({ type: "image_url", image_url: { url: words } }), {
      ...image,
      source: { _tag: "Url", url: words }
    })
  })

  it("shows documents", () => {
    const file = { filename: "a.pdf", file_data: "data:application/pdf;base64,aGk=" }
    assert.deepStrictEqual(part({ type: "file", file }), {
      _tag: "Document",
      source: { _tag: "Base64", mediaType: "application/pdf", data: "aGk=" },
      name: "a.pdf",
      cache: undefined
    })
  })

  it("lets hear", () => {
    assert.deepStrictEqual(part({ type: "input_audio", input_audio: { data: "AAAA", format: "mp3" } }), {
      _tag: "Audio",
      format: "mp3",
      data: "AAAA"
    })
    assert.deepStrictEqual(part({ type: "input_audio" }), { _tag: "Audio", format: "wav", data: "" })
  })

  it("holds what only this dialect knows, by its name", () => {
    const foreign = [
      { type: "video_url", video_url: { url: "https://a.test/b.mp4" } },
      { type: "file", file: { file_id: "file-1" } },
      { type: "image_url" },
      {}
    ]
    assert.deepStrictEqual(
      foreign.map((each) => part(each)),
      ["video_url", "file", "image_url", "unknown"].map((kind) => ({ _tag: "Foreign", kind }) as const)
    )
  })

  it("marks up to where the prompt shall be cached", () => {
    const marked = (cache_control: unknown) => part({ type: "text", text: "a", cache_control })
    assert.deepInclude(marked({ type: "ephemeral" }), { cache: { ttl: "5m" } })
    assert.deepInclude(marked({ type: "ephemeral", ttl: "1h" }), { cache: { ttl: "1h" } })
    assert.deepInclude(marked(null), { cache: undefined })
    const cache_control = { type: "ephemeral" }
    const image_url = { url: "https://a.test/b.png" }
    assert.deepInclude(part({ type: "image_url", image_url, cache_control }), { cache: { ttl: "5m" } })
    const file = { file_data: "data:application/pdf;base64,aGk=" }
    assert.deepInclude(part({ type: "file", file, cache_control }), { cache: { ttl: "5m" }, name: undefined })
    assert.deepInclude(partsOf({ role: "tool", content: "x", cache_control })[0], { cache: { ttl: "5m" } })
    for (const role of ["user", "system"]) {
      assert.deepStrictEqual(
        partsOf({
          role,
          content: [
            { type: "text", text: "a" },
            { type: "text", text: "b" }
          ],
          cache_control
        }),
        [text("a"), { _tag: "Text", text: "b", cache: { ttl: "5m" } }]
      )
    }
  })
})

describe("a message of the assistant", () => {
  it("thinks, speaks, declines and calls, in this order", () => {
    const tool_calls = [{ id: "c1", type: "function", function: { name: "f", arguments: "{}" } }]
    assert.deepStrictEqual(assistant({ tool_calls, refusal: "c", content: "b", reasoning_content: "a" }), [
      { _tag: "Reasoning", text: "a", seal: undefined },
      text("b"),
      { _tag: "Refusal", text: "c" },
      call("c1", "f", "{}")
    ])
    assert.deepStrictEqual(assistant({ content: [{ type: "refusal", refusal: "c" }], refusal: null }), [
      { _tag: "Refusal", text: "c" }
    ])
  })

  it("calls with arguments that are no text, and without an id", () => {
    const tool_calls = [{ function: { name: "f", arguments: { a: 1 } } }, { id: "c2", function: { name: "g" } }]
    assert.deepStrictEqual(assistant({ tool_calls }), [call("f", "f", '{"a":1}'), call("c2", "g", "{}")])
  })

  it("calls what only this dialect knows", () => {
    const tool_calls = [{ id: "c1", type: "custom", custom: { name: "f", input: "x" } }, {}]
    assert.deepStrictEqual(assistant({ tool_calls }), [
      { _tag: "Foreign", kind: "tool_calls.custom" },
      { _tag: "Foreign", kind: "tool_calls.unknown" }
    ])
  })

  it("refers to what it has spoken aloud", () => {
    assert.deepStrictEqual(assistant({ audio: { id: "audio_1" } }), [{ _tag: "Foreign", kind: "audio" }])
    assert.deepStrictEqual(assistant({ content: "a", audio: null }), [text("a")])
  })

  it("has signed its calls, by itself or by whoever the mark names", () => {
    const signed = (thought_signature: string) => {
      const extra_content = { google: { thought_signature } }
      const [only] = assistant({ tool_calls: [{ id: "c", function: { name: "f", arguments: "" }, extra_content }] })
      return only?._tag === "ToolCall" ? only.seal : assert.fail("no call")
    }
    assert.deepStrictEqual(signed("S"), { origin: "gemini", value: "S" })
    assert.deepStrictEqual(signed("orelse~anthropic~S"), { origin: "anthropic", value: "S" })
    assert.isUndefined(signed(""))
  })
})

describe("reasoning of earlier turns", () => {
  const seal = { origin: "anthropic", value: "S" }

  it("is plain where that is all there is", () => {
    const plain = { _tag: "Reasoning", text: "hm", seal: undefined } as const
    assert.deepStrictEqual(assistant({ reasoning_content: "hm" }), [plain])
    assert.deepStrictEqual(assistant({ reasoning: "hm" }), [plain])
    assert.deepStrictEqual(assistant({ reasoning: "hm", reasoning_details: [{ type: "?" }, null] }), [plain])
    for (const reasoning of ["", null, { text: "hm" }]) assert.deepStrictEqual(assistant({ reasoning }), [])
  })

  it("is in its details, with seals, and not told twice", () => {
    const reasoning_details = [
      { type: "reasoning.text", text: "a", signature: "S", index: 0 },
      { type: "reasoning.summary", summary: "b", index: 1 },
      { type: "reasoning.encrypted", data: "orelse~anthropic~D", index: 2 },
      { type: "reasoning.text", text: "", signature: "T", index: 3 },
      { type: "reasoning.text", text: "", signature: "", index: 4 }
    ]
    assert.deepStrictEqual(assistant({ reasoning: "ab", reasoning_details }), [
      { _tag: "Reasoning", text: "a", seal: { origin: "openrouter", value: "S" } },
      { _tag: "Reasoning", text: "b", seal: undefined },
      { _tag: "Sealed", seal: { origin: "anthropic", value: "D" } },
      { _tag: "Reasoning", text: "", seal: { origin: "openrouter", value: "T" } }
    ])
  })

  it("is put together where a client sends the pieces that came", () => {
    const piece = (words: string, index: number, signature?: string) => ({
      type: "reasoning.text",
      text: words,
      index,
      signature
    })
    const reasoning_details = [piece("a", 0), piece("b", 0), piece("", 0, "S"), piece("c", 0), piece("d", 1)]
    assert.deepStrictEqual(assistant({ reasoning_details }), [
      { _tag: "Reasoning", text: "ab", seal: { origin: "openrouter", value: "S" } },
      { _tag: "Reasoning", text: "c", seal: undefined },
      { _tag: "Reasoning", text: "d", seal: undefined }
    ])
  })

  it("is left out where a client kept only the last piece of it, which seals what is not there", () => {
    const whole = { type: "reasoning.text", text: "ab", index: 0, signature: Thoughts.mark(seal, "ab") }
    assert.deepStrictEqual(assistant({ reasoning_details: [whole] }), [{ _tag: "Reasoning", text: "ab", seal }])
    assert.deepStrictEqual(assistant({ reasoning_details: [{ ...whole, text: "" }] }), [])
    assert.deepStrictEqual(assistant({ reasoning_details: [{ ...whole, text: "b" }] }), [
      { _tag: "Reasoning", text: "b", seal: undefined }
    ])
  })

  it("has no seal at all where a client kept only the end of the sequence", () => {
    const sealed = { type: "reasoning.encrypted", data: "orelse~anthropic~D", index: 1 }
    const signed = { type: "reasoning.text", text: "b", index: 0, signature: Thoughts.mark(seal, "ab") }
    const plain = { _tag: "Reasoning", text: "b", seal: undefined } as const
    assert.deepStrictEqual(assistant({ reasoning_details: [sealed] }), [])
    assert.deepStrictEqual(assistant({ reasoning_details: [sealed], reasoning_content: "b" }), [plain])
    assert.deepStrictEqual(assistant({ reasoning_details: [signed, sealed] }), [plain])
  })

  it("is not put together where nothing says that it belongs together", () => {
    const reasoning_details = [{ text: "a" }, { text: "b" }]
    assert.deepStrictEqual(assistant({ reasoning_details }), [
      { _tag: "Reasoning", text: "a", seal: undefined },
      { _tag: "Reasoning", text: "b", seal: undefined }
    ])
  })
})

describe("the result of a tool", () => {
  const tool_calls = [{ id: "c1", type: "function", function: { name: "f", arguments: "{}" } }]

  it("is the user's, and knows the name of the call that it answers", () => {
    const [, answer] = messagesOf(
      { role: "assistant", tool_calls },
      { role: "tool", tool_call_id: "c1", name: "not this", content: [{ type: "text", text: "42" }] }
    )
    assert.deepStrictEqual(answer, user(result("c1", "f", text("42"))))
  })

  it("goes by its own name where no call came before", () => {
    assert.deepStrictEqual(partsOf({ role: "tool", tool_call_id: "c1", content: "x" }), [
      result("c1", undefined, text("x"))
    ])
    assert.deepStrictEqual(partsOf({ role: "tool", name: "f", content: "" }), [result("f", "f")])
  })

  it("of the old kind belongs to the call of its name", () => {
    const messages = messagesOf(
      { role: "assistant", content: null, function_call: { name: "f", arguments: '{"a":1}' } },
      { role: "function", name: "f", content: "42" }
    )
    assert.deepStrictEqual(messages, [
      { role: "assistant", parts: [call("f", "f", '{"a":1}')] },
      user(result("f", "f", text("42")))
    ])
  })
})

describe("tools", () => {
  const parameters = { type: "object", properties: {} }
  const f = { name: "f", description: "Looks.", parameters, strict: true }
  const plain = { name: "g", description: undefined, parameters: undefined, strict: undefined, cache: undefined }

  it("are functions, with all that is said of them", () => {
    const { foreign, tools } = asked({
      tools: [
        { type: "function", function: f, cache_control: { type: "ephemeral" } },
        { type: "function", function: { name: "g", strict: null, parameters: null } }
      ]
    })
    assert.deepStrictEqual(tools, [{ ...f, cache: { ttl: "5m" } }, plain])
    assert.isEmpty(foreign)
  })

  it("of other kinds have a meaning in this dialect only", () => {
    const { foreign, tools } = asked({
      tools: [{ type: "web_search" }, { type: "custom", custom: { name: "x" } }, { type: "function" }, {}]
    })
    assert.deepStrictEqual(foreign, ["tools.web_search", "tools.custom", "tools.function", "tools.unknown"])
    assert.isEmpty(tools)
  })

  it("of the old form count where there are no others", () => {
    const functions = [{ name: "g" }, { description: "nameless" }]
    assert.deepStrictEqual(asked({ functions }).tools, [plain])
    assert.deepInclude(asked({ functions, tools: [{ type: "function", function: f }] }), {
      tools: [{ ...f, cache: undefined }],
      foreign: []
    })
  })

  it("are chosen freely, not at all, in any case, or one of them", () => {
    const choices = ["auto", "none", "required", "any", { type: "function", function: { name: "f" } }]
    const tools = [{ type: "function", function: f }]
    assert.deepStrictEqual(
      choices.map((tool_choice) => asked({ tools, tool_choice }).toolChoice),
      [{ _tag: "Auto" }, { _tag: "None" }, { _tag: "Required" }, { _tag: "Required" }, { _tag: "Tool", name: "f" }]
    )
    const functions = [f]
    assert.deepStrictEqual(asked({ functions, function_call: { name: "f" } }).toolChoice, { _tag: "Tool", name: "f" })
    assert.deepStrictEqual(asked({ functions, function_call: "none" }).toolChoice, { _tag: "None" })
  })

  it("are chosen in ways that only this dialect knows", () => {
    const tool_choice = { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [] } }
    assert.deepInclude(asked({ tool_choice }), { toolChoice: undefined, foreign: ["tool_choice"] })
    const another = { type: "function", function: { name: "nobody" } }
    assert.deepInclude(asked({ functions: [f], tool_choice: another }), {
      toolChoice: undefined,
      foreign: ["tool_choice"]
    })
  })
})

describe("what an answer shall be", () => {
  const format = (response_format: unknown) => {
    const { foreign, format: read } = asked({ response_format })
    return [read, ...foreign]
  }

  it("is JSON, or JSON of a schema", () => {
    assert.deepStrictEqual(format({ type: "json_object" }), [{ _tag: "Json" }])
    const schema = { type: "object" }
    assert.deepStrictEqual(
      format({ type: "json_schema", json_schema: { name: "n", description: "d", schema, strict: true } }),
      [{ _tag: "JsonSchema", name: "n", description: "d", schema, strict: true }]
    )
    assert.deepStrictEqual(format({ type: "json_schema" }), [
      { _tag: "JsonSchema", name: undefined, description: undefined, schema: {}, strict: undefined }
    ])
  })

  it("is text where nothing else is said", () => {
    for (const none of [undefined, null, {}, { type: "text" }]) assert.deepStrictEqual(format(none), [undefined])
  })

  it("is something that only its vendor knows", () => {
    assert.deepStrictEqual(format({ type: "regex", value: "a+" }), [undefined, "response_format"])
  })
})

describe("how much to think", () => {
  const thinking = (json: object) => asked(json).thinking
  const on = { enabled: true, effort: undefined, budgetTokens: undefined }
  const off = { enabled: false, effort: undefined, budgetTokens: undefined }

  const told: ReadonlyArray<readonly [object, Prompt["thinking"]]> = [
    [{}, undefined],
    [{ reasoning_effort: null, reasoning: null, thinking: null }, undefined],
    [{ reasoning_effort: "low" }, { ...on, effort: "low" }],
    [{ reasoning_effort: "none" }, off],
    [{ reasoning: { effort: "high" } }, { ...on, effort: "high" }],
    [{ reasoning: { max_tokens: 2_000 } }, { ...on, budgetTokens: 2_000 }],
    [{ reasoning: { enabled: true } }, on],
    [{ reasoning: { enabled: false, effort: "high" } }, off],
    [{ reasoning: { effort: "none" } }, off],
    [{ reasoning: { exclude: true } }, undefined],
    [{ thinking: { type: "enabled" } }, on],
    [{ thinking: { type: "enabled", budget_tokens: 2_000 } }, { ...on, budgetTokens: 2_000 }],
    [{ thinking: { type: "disabled" } }, off]
  ]
  for (const [json, expected] of told) {
    it(`is read of ${JSON.stringify(json)}`, () => {
      assert.deepStrictEqual(thinking(json), expected)
    })
  }
})

describe("a request", () => {
  it("asks for nothing but what it says", () => {
    const nothing = { messages: null, tools: null, stop: null, seed: null, temperature: "hot", response_format: null }
    assert.deepStrictEqual(PromptIn.prompt(nothing), prompt({}))
  })

  it("says how to choose words", () => {
    const read = asked({
      parallel_tool_calls: false,
      max_tokens: 4,
      max_completion_tokens: 5,
      temperature: 0,
      top_p: 0.5,
      top_k: 6,
      stop: ["a", 5, "b"],
      seed: 7,
      presence_penalty: -1,
      frequency_penalty: 1,
      n: 2,
      user: "u"
    })
    assert.deepStrictEqual(
      read,
      prompt({
        parallelTools: false,
        maxTokens: 5,
        temperature: 0,
        topP: 0.5,
        topK: 6,
        stop: ["a", "b"],
        seed: 7,
        presencePenalty: -1,
        frequencyPenalty: 1,
        choices: 2,
        user: "u"
      })
    )
    assert.deepInclude(asked({ max_tokens: 4, stop: "a", safety_identifier: "v" }), {
      maxTokens: 4,
      stop: ["a"],
      user: "v"
    })
  })

  it("names what has a meaning in this dialect only, if it asks for something", () => {
    const { foreign } = asked({ logit_bias: { 1: 2 }, store: false, metadata: {}, audio: null, modalities: [], x: 0 })
    assert.deepStrictEqual(foreign, ["logit_bias", "x"])
  })

  it("does not name what says no more than the default", () => {
    assert.isEmpty(asked({ modalities: ["text"], verbosity: "medium", service_tier: "auto" }).foreign)
    assert.deepStrictEqual(asked({ modalities: ["text", "audio"], verbosity: "low" }).foreign, [
      "modalities",
      "verbosity"
    ])
  })

  it("names what no other dialect has a place for in messages, once", () => {
    const messages = [
      { role: "user", content: "a", name: "Ann" },
      { role: "user", content: "b", name: "Bob" },
      { role: "assistant", content: "c", prefix: true, annotations: [], refusal: null },
      { role: "tool", tool_call_id: "c1", name: "f", content: "d" }
    ]
    assert.deepStrictEqual(asked({ messages }).foreign, ["messages.name", "messages.prefix"])
  })

  it("has no seed that a double does not hold", () => {
    const body = '{"messages":[],"seed":12345678901234567890}'
    assert.deepInclude(PromptIn.once(Buffer.from(body))(), { seed: undefined, foreign: ["seed"] })
    assert.deepInclude(asked({ seed: "7" }), { seed: undefined, foreign: ["seed"] })
  })

  it("does not name what is the gateway's own", () => {
    const own = { fallback: { providers: [] }, models: ["b"], provider: { order: [] }, require: "lossless" }
    assert.isEmpty(asked({ ...own, stream: true, stream_options: { include_usage: true } }).foreign)
  })

  it("keeps its big numbers", () => {
    const body =
      '{"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":{"n":12345678901234567890}}}]}]}'
    const [message] = PromptIn.once(Buffer.from(body))().messages
    assert.deepInclude(message?.parts[0], { arguments: '{"n":12345678901234567890}' })
    const tools =
      '{"tools":[{"type":"function","function":{"name":"f","parameters":{"maximum":12345678901234567890}}}]}'
    const [tool] = PromptIn.once(Buffer.from(tools))().tools
    assert.strictEqual(Json.stringify(tool?.parameters), '{"maximum":12345678901234567890}')
  })
})
