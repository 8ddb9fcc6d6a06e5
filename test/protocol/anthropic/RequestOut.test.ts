import { assert, describe, it } from "@effect/vitest"
import type { Part, Prompt } from "../../../src/domain/Prompt.js"
import * as Json from "../../../src/protocol/Json.js"
import { assistant, call, image, result, text, user } from "../../support/turns.js"
import { asked, talk, thought, tool } from "./asking.js"

const said = (words: string) => ({ type: "text", text: words })
const system = (words: string) => ({ role: "system", parts: [text(words)] }) as const
const marked = (words: string, ttl: "5m" | "1h" = "5m"): Part => ({ _tag: "Text", text: words, cache: { ttl } })

describe("A request to Anthropic", () => {
  it("names the model and a bound of tokens, and nothing that was not asked for", () => {
    assert.deepStrictEqual(asked("claude-3-haiku-20240307", {}), {
      json: {
        model: "claude-3-haiku-20240307",
        max_tokens: 4096,
        messages: [{ role: "user", content: [said("Hi")] }]
      },
      lost: []
    })
  })

  it("asks for a stream where one is wanted", () => {
    assert.strictEqual(asked("claude-opus-5", {}, { stream: true }).json["stream"], true)
  })

  it.each([
    ["claude-3-5-haiku-latest", 8_192],
    ["claude-opus-4-1", 32_000],
    ["claude-sonnet-4-5", 32_000],
    ["another", 4_096]
  ])("bounds %s to %i tokens, unless the candidate or the caller sets a bound", (model, usual) => {
    assert.strictEqual(asked(model, {}).json["max_tokens"], usual)
    assert.strictEqual(asked(model, { maxTokens: 100 }).json["max_tokens"], 100)
    assert.strictEqual(asked(model, { maxTokens: 100 }, { maxTokens: 50 }).json["max_tokens"], 50)
  })

  it("bounds to what the model writes at most, where more would be refused", () => {
    assert.strictEqual(asked("claude-opus-4-1", { maxTokens: 100_000 }).json["max_tokens"], 32_000)
    assert.strictEqual(asked("another", { maxTokens: 100_000 }).json["max_tokens"], 100_000)
  })

  it("names stop sequences and the user, but none of blanks and none that is too long", () => {
    const { json, lost } = asked("claude-sonnet-4-5", { stop: ["END", "\n"], user: "u-1" })
    assert.deepInclude(json, { stop_sequences: ["END"], metadata: { user_id: "u-1" } })
    assert.deepStrictEqual(lost, ["stop"])
    const long = asked("claude-sonnet-4-5", { stop: [" "], user: "u".repeat(300) })
    assert.doesNotHaveAnyKeys(long.json, ["stop_sequences", "metadata"])
    assert.deepStrictEqual(long.lost, ["stop", "user"])
  })

  it("says what Anthropic has no word for, but not of what changes nothing", () => {
    const more = { seed: 1, presencePenalty: 0.5, frequencyPenalty: 0.5, choices: 2, foreign: ["logit_bias"] }
    assert.deepStrictEqual(asked("claude-sonnet-4-5", more).lost, [
      "choices",
      "foreign:logit_bias",
      "frequency_penalty",
      "presence_penalty",
      "seed"
    ])
    assert.deepStrictEqual(asked("claude-sonnet-4-5", { presencePenalty: 0, frequencyPenalty: 0, choices: 1 }).lost, [])
  })
})

describe("The conversation in a request to Anthropic", () => {
  it("has leading system messages as the system prompt, and later ones as the user's words", () => {
    assert.deepStrictEqual(talk([system("a"), system("b"), user(text("c")), assistant(text("d")), system("e")]), {
      system: [said("a"), said("b")],
      turns: [
        ["user", said("c")],
        ["assistant", said("d")],
        ["user", said("e")]
      ],
      lost: []
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

describe("Tools in a request to Anthropic", () => {
  const model = "claude-sonnet-4-5"
  const choice = (more: Partial<Prompt>, name = model) => {
    const { json, lost } = asked(name, { tools: [tool("look")], ...more })
    return [json["tool_choice"], lost]
  }

  it("have a schema, as they came or an empty one", () => {
    const parameters = { properties: { at: { type: "string" } }, type: "object" }
    const tools = [tool("look", { description: "Looks.", parameters }), tool("wait"), tool("go", { parameters: {} })]
    assert.deepStrictEqual(asked(model, { tools }).json["tools"], [
      { name: "look", description: "Looks.", input_schema: parameters },
      { name: "wait", input_schema: { type: "object", properties: {} } },
      { name: "go", input_schema: { type: "object" } }
    ])
  })

  it("are strict where the model can be and the schema is within what it enforces", () => {
    const strict = (schema: object, name = model) => {
      const parameters = { type: "object", properties: { at: schema }, required: ["at"], additionalProperties: false }
      const { json, lost } = asked(name, { tools: [tool("look", { parameters, strict: true })] })
      const [{ input_schema, strict: isStrict } = {}] = Json.records(json["tools"])
      assert.deepStrictEqual(input_schema, parameters)
      return [isStrict, lost]
    }
    assert.deepStrictEqual(strict({ type: "string" }), [true, []])
    assert.deepStrictEqual(strict({ type: "string", minLength: 2 }), [undefined, ["strict_tools"]])
    assert.deepStrictEqual(strict({ type: "string" }, "claude-3-7-sonnet-latest"), [undefined, ["strict_tools"]])
  })

  it("are chosen as asked", () => {
    assert.deepStrictEqual(choice({}), [undefined, []])
    assert.deepStrictEqual(choice({ toolChoice: { _tag: "Auto" } }), [{ type: "auto" }, []])
    assert.deepStrictEqual(choice({ toolChoice: { _tag: "Required" } }), [{ type: "any" }, []])
    assert.deepStrictEqual(choice({ toolChoice: { _tag: "None" }, parallelTools: false }), [{ type: "none" }, []])
    assert.deepStrictEqual(choice({ toolChoice: { _tag: "Tool", name: "look" } }), [{ type: "tool", name: "look" }, []])
  })

  it("are called one at a time where that is asked for", () => {
    const one = { disable_parallel_tool_use: true }
    assert.deepStrictEqual(choice({ parallelTools: false }), [{ type: "auto", ...one }, []])
    const forced = { parallelTools: false, toolChoice: { _tag: "Required" } as const }
    assert.deepStrictEqual(choice(forced), [{ type: "any", ...one }, []])
    assert.deepStrictEqual(choice({ parallelTools: true }), [undefined, []])
  })

  it("are not chosen where there are none, and not forced on a model that refuses that", () => {
    assert.deepStrictEqual(choice({ tools: [], toolChoice: { _tag: "Auto" }, parallelTools: false }), [undefined, []])
    const forced = { toolChoice: { _tag: "Required" } as const }
    assert.deepStrictEqual(choice(forced, "claude-opus-5-5"), [{ type: "auto" }, ["tool_choice"]])
    assert.deepStrictEqual(choice(forced, "claude-haiku-5-5"), [{ type: "any" }, []])
    assert.deepStrictEqual(choice(forced, "claude-mythos-preview"), [{ type: "any" }, []])
  })
})

describe("Sampling in a request to Anthropic", () => {
  const sampled = (model: string, temperature?: number, topP?: number, topK?: number, thinking = false) => {
    const thought_ = thinking ? { enabled: true, effort: "low", budgetTokens: undefined } : undefined
    const { json, lost } = asked(model, { temperature, topP, topK, thinking: thought_ })
    return [json["temperature"], json["top_p"], json["top_k"], ...lost]
  }

  it("has a temperature of 1 at most, the candidate's before the caller's", () => {
    assert.deepStrictEqual(sampled("claude-sonnet-4-0", 0.3, 0.9, 5), [0.3, 0.9, 5])
    assert.deepStrictEqual(sampled("claude-sonnet-4-0", 1.7), [1, undefined, undefined, "temperature"])
    const { json } = asked("claude-sonnet-4-0", { temperature: 0.3 }, { temperature: 0 })
    assert.strictEqual(json["temperature"], 0)
  })

  it("has temperature or top_p where both are refused, and loses nothing by leaving out a 1", () => {
    assert.deepStrictEqual(sampled("claude-sonnet-4-5", 0.3, 0.9, 5), [0.3, undefined, 5, "top_p"])
    assert.deepStrictEqual(sampled("claude-sonnet-4-5", 1, 0.9), [undefined, 0.9, undefined])
    assert.deepStrictEqual(sampled("claude-sonnet-4-5", 0.3, 1), [0.3, undefined, undefined])
    assert.deepStrictEqual(sampled("another", 0.3, 0.9), [0.3, 0.9, undefined])
  })

  it("is left out where the model takes none", () => {
    const none = [undefined, undefined, undefined]
    assert.deepStrictEqual(sampled("claude-opus-4-7", 0.3, 0.9, 5), [...none, "temperature", "top_k", "top_p"])
    assert.deepStrictEqual(sampled("claude-opus-4-7", 1, 1), none)
    assert.deepStrictEqual(sampled("claude-mythos-preview", 0.3), [...none, "temperature"])
  })

  it("is left out while the model thinks, but for a top_p near 1", () => {
    const none = [undefined, undefined, undefined]
    assert.deepStrictEqual(sampled("claude-sonnet-4-5", 0.3, 0.9, 5, true), [...none, "temperature", "top_k", "top_p"])
    assert.deepStrictEqual(sampled("claude-sonnet-4-5", 1, 0.97, undefined, true), [undefined, 0.97, undefined])
  })
})

describe("The format in a request to Anthropic", () => {
  const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] }
  const formatted = (model: string, more: object = {}) => {
    const format = { _tag: "JsonSchema", name: "n", description: "A number.", schema, strict: true, ...more } as const
    const { json, lost } = asked(model, { format })
    return [json["output_config"], ...lost]
  }

  it("is a schema, closed and described", () => {
    const closed = { ...schema, additionalProperties: false, description: "A number." }
    for (const model of ["claude-haiku-4-5", "claude-opus-4-1"]) {
      assert.deepStrictEqual(formatted(model), [{ format: { type: "json_schema", schema: closed } }])
    }
  })

  it("says that a rule of it is not enforced", () => {
    const bounded = { ...schema, properties: { n: { type: "integer", minimum: 3 } } }
    const [config, ...lost] = formatted("claude-haiku-4-5", { schema: bounded })
    assert.include(Json.stringify(config), "minimum: 3")
    assert.deepStrictEqual(lost, ["format_schema"])
  })

  it("is lost where the model or Anthropic knows none", () => {
    assert.deepStrictEqual(formatted("claude-sonnet-4-0"), [undefined, "format"])
    assert.deepStrictEqual(formatted("another"), [undefined, "format"])
    assert.deepStrictEqual(formatted("claude-haiku-4-5", { schema: { type: "object" } }), [undefined, "format"])
    assert.deepStrictEqual(asked("claude-haiku-4-5", { format: { _tag: "Json" } }).lost, ["format"])
  })

  it("goes along with an effort", () => {
    const format = { _tag: "JsonSchema", name: undefined, description: undefined, schema, strict: true } as const
    const thinking = { enabled: true, effort: "low", budgetTokens: undefined }
    const { json } = asked("claude-opus-5", { format, thinking })
    assert.hasAllKeys(json["output_config"], ["effort", "format"])
  })
})
