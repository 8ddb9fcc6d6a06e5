import { assert, describe, it } from "@effect/vitest"
import type { Part, Prompt, Seal } from "../../../src/domain/Prompt.js"
import type { Outbound, Quirks } from "../../../src/protocol/Dialects.js"
import type { Lost } from "../../../src/protocol/Lossiness.js"
import * as RequestOut from "../../../src/protocol/openai/RequestOut.js"
import { assistant, call, image, outbound, prompt, result, text, tool, user } from "../../support/turns.js"

/** The request, and what is lost. */
const encode = (asked: Partial<Prompt>, set: Partial<Outbound> = {}) => {
  const { json, lost } = RequestOut.encode(prompt(asked), outbound(set))
  return { json, lost: [...lost].toSorted() }
}

/** What is said besides the model and the messages, and what is lost. */
const said = (asked: Partial<Prompt>, set: Partial<Outbound> = {}): ReadonlyArray<unknown> => {
  const { json, lost } = encode(asked, set)
  const { messages: _, model: __, ...rest } = json
  return [rest, ...lost]
}

/** The messages of a conversation, and what is lost. */
const talk = (messages: Prompt["messages"], quirks: Quirks = {}, realm = "here"): ReadonlyArray<unknown> => {
  const { json, lost } = encode({ messages }, { quirks, realm })
  const written = json["messages"]
  return [...(Array.isArray(written) ? written : []), ...lost]
}

const seal = (origin: string): Seal => ({ origin, value: `by ${origin}` })
const thought = (words: string, origin?: string): Part => ({
  _tag: "Reasoning",
  text: words,
  seal: origin === undefined ? undefined : seal(origin)
})
const sealed = (origin: string): Part => ({ _tag: "Sealed", seal: seal(origin) })

const minute = { ttl: "5m" } as const
const hour = { ttl: "1h" } as const
const caches: Quirks = { knows: ["cache_control"] }
const pdf: Part = {
  _tag: "Document",
  source: { _tag: "Base64", mediaType: "application/pdf", data: "aGk=" },
  name: "a.pdf",
  cache: undefined
}

describe("what the user says", () => {
  it("is a text where it is one, and else several parts", () => {
    assert.deepStrictEqual(talk([user(text("a")), user(text("a"), text("b")), user()]), [
      { role: "user", content: "a" },
      {
        role: "user",
        content: [
          { type: "text", text: "a" },
          { type: "text", text: "b" }
        ]
      },
      { role: "user", content: "" }
    ])
  })

  it("may be shown and heard", () => {
    const url = "https://a.test/b.png"
    const parts = [
      image({ detail: "low" }),
      image({ source: { _tag: "Url", url } }),
      pdf,
      { ...pdf, name: undefined },
      { _tag: "Audio", format: "mp3", data: "AAAA" } as const
    ]
    const file_data = "data:application/pdf;base64,aGk="
    assert.deepStrictEqual(talk([user(...parts)]), [
      {
        role: "user",
        content: [
          { type: "image_url", image_url: { url: "data:image/png;base64,aGk=", detail: "low" } },
          { type: "image_url", image_url: { url } },
          { type: "file", file: { filename: "a.pdf", file_data } },
          { type: "file", file: { filename: "document.pdf", file_data } },
          { type: "input_audio", input_audio: { data: "AAAA", format: "mp3" } }
        ]
      }
    ])
  })

  it("is text where a document is", () => {
    const source = { _tag: "PlainText", text: "a & b" } as const
    assert.deepStrictEqual(talk([user({ ...pdf, source })]), [{ role: "user", content: "a & b" }])
    const shown = { type: "image_url", image_url: { url: "data:text/plain,a%20%26%20b" } }
    assert.deepStrictEqual(talk([user(image({ source }))]), [{ role: "user", content: [shown] }])
  })

  it("loses documents elsewhere and what only another dialect knows, but not its turn", () => {
    const parts: ReadonlyArray<Part> = [
      { ...pdf, source: { _tag: "Url", url: "https://a.test/b.pdf" } },
      { _tag: "Foreign", kind: "search_result" }
    ]
    assert.deepStrictEqual(talk([user(...parts)]), [
      { role: "user", content: "" },
      "documents",
      "foreign:search_result"
    ])
  })

  it("is the system's in its own message", () => {
    assert.deepStrictEqual(talk([{ role: "system", parts: [text("a")] }]), [{ role: "system", content: "a" }])
  })
})

describe("marks of what shall be cached", () => {
  const asked: Partial<Prompt> = {
    messages: [
      user(
        { _tag: "Text", text: "a", cache: minute },
        image({ cache: hour }),
        { ...pdf, cache: minute },
        { ...pdf, source: { _tag: "PlainText", text: "b" }, cache: minute }
      )
    ],
    tools: [{ ...tool, cache: hour }]
  }

  it("are where a vendor knows them", () => {
    const { json, lost } = encode(asked, { quirks: caches })
    assert.deepStrictEqual<object>(json, {
      model: "m-1",
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "a", cache_control: { type: "ephemeral" } },
            {
              type: "image_url",
              image_url: { url: "data:image/png;base64,aGk=" },
              cache_control: { type: "ephemeral", ttl: "1h" }
            },
            {
              type: "file",
              file: { filename: "a.pdf", file_data: "data:application/pdf;base64,aGk=" },
              cache_control: { type: "ephemeral" }
            },
            { type: "text", text: "b", cache_control: { type: "ephemeral" } }
          ]
        }
      ],
      tools: [
        {
          type: "function",
          function: { name: "look", description: "Looks." },
          cache_control: { type: "ephemeral", ttl: "1h" }
        }
      ]
    })
    assert.isEmpty(lost)
  })

  it("are lost elsewhere", () => {
    const { json, lost } = encode(asked)
    assert.notInclude(JSON.stringify(json), "cache_control")
    assert.deepStrictEqual(lost, ["cache_control"])
  })

  it("of a tool's message are on its last text", () => {
    const marked = (parts: ReadonlyArray<Part>) => user({ ...result("c1", "f", ...parts), cache: minute })
    const ephemeral = { type: "ephemeral" }
    assert.deepStrictEqual(talk([marked([text("a"), text("b")])], caches), [
      {
        role: "tool",
        tool_call_id: "c1",
        content: [
          { type: "text", text: "a" },
          { type: "text", text: "b", cache_control: ephemeral }
        ]
      }
    ])
    const own = talk([marked([{ _tag: "Text", text: "a", cache: hour }])], caches)
    assert.deepNestedInclude(own, {
      role: "tool",
      tool_call_id: "c1",
      content: [{ type: "text", text: "a", cache_control: { ...ephemeral, ttl: "1h" } }]
    })
    assert.deepStrictEqual(talk([marked([])], caches), [
      { role: "tool", tool_call_id: "c1", content: "" },
      "cache_control"
    ])
    assert.deepStrictEqual(talk([marked([text("a")])]).slice(1), ["cache_control"])
  })

  it("of a call are lost everywhere", () => {
    const marked: Part = { _tag: "ToolCall", id: "c", name: "f", arguments: "{}", seal: undefined, cache: minute }
    for (const quirks of [{}, caches])
      assert.deepStrictEqual(talk([assistant(marked)], quirks).slice(1), ["cache_control"])
  })
})

describe("what the assistant said", () => {
  const written = (id: string, args: string) => ({ id, type: "function", function: { name: "f", arguments: args } })

  it("is text, a refusal, calls", () => {
    assert.deepStrictEqual(
      talk([
        assistant(text("a"), { _tag: "Refusal", text: "b" }, { _tag: "Refusal", text: "c" }),
        assistant(text("a"), call("c1", "f", '{"a":1}'), call("c2", "f", "")),
        assistant(call("c1", "f", "{}")),
        assistant({ _tag: "Refusal", text: "b" }),
        assistant()
      ]),
      [
        { role: "assistant", content: "a", refusal: "bc" },
        { role: "assistant", content: "a", tool_calls: [written("c1", '{"a":1}'), written("c2", "{}")] },
        { role: "assistant", content: null, tool_calls: [written("c1", "{}")] },
        { role: "assistant", content: null, refusal: "b" },
        { role: "assistant", content: "" }
      ]
    )
  })

  it("cannot be shown or heard again", () => {
    const parts = [image(), pdf, { _tag: "Audio", format: "mp3", data: "AAAA" } as const, text("a")]
    assert.deepStrictEqual(talk([assistant(...parts, { _tag: "Foreign", kind: "x" })]), [
      { role: "assistant", content: "a" },
      "audio",
      "documents",
      "foreign:x",
      "images"
    ])
  })

  it("loses its thoughts where the vendor does not take them back", () => {
    const plain = [{ role: "assistant", content: "a" }, "reasoning_history"]
    for (const part of [thought("hm"), thought("hm", "here"), sealed("here")]) {
      assert.deepStrictEqual(talk([assistant(part, text("a"))]), plain)
    }
  })

  it("takes plain thoughts along, and loses those that only their maker can read", () => {
    const quirks: Quirks = { reasoning: "reasoning_content" }
    const message = { role: "assistant", content: "a", reasoning_content: "hm, so" }
    const parts = [thought("hm, "), thought("so", "there"), text("a")]
    assert.deepStrictEqual(talk([assistant(...parts)], quirks), [message])
    assert.deepStrictEqual(talk([assistant(...parts, sealed("here"))], quirks), [message, "reasoning_history"])
    assert.deepStrictEqual(talk([assistant(thought(""), text("a"))], quirks), [{ role: "assistant", content: "a" }])
  })

  it("has no thought, and says so, where a vendor insists on one in every turn of those that call tools", () => {
    const quirks: Quirks = { reasoning: "reasoning_content", reasonedCalls: true }
    const [called, , answered] = talk(
      [assistant(call("c1", "f", "")), user(result("c1", "f")), assistant(text("a"))],
      quirks
    )
    assert.deepInclude(called, { reasoning_content: " " })
    assert.deepStrictEqual(answered, { role: "assistant", content: "a", reasoning_content: " " })
    assert.deepStrictEqual(talk([assistant(text("a"))], quirks), [{ role: "assistant", content: "a" }])
  })

  it("takes sealed thoughts along to whoever sealed them", () => {
    const quirks: Quirks = { reasoning: "reasoning_details" }
    const own = {
      role: "assistant",
      content: "a",
      reasoning_details: [
        { type: "reasoning.text", text: "hm", signature: "by here", index: 0 },
        { type: "reasoning.encrypted", data: "by here", index: 1 }
      ]
    }
    const parts = [thought("hm", "here"), sealed("here"), text("a")]
    assert.deepStrictEqual(talk([assistant(...parts)], quirks), [own])
    for (const foreign of [thought("so"), thought("so", "there"), sealed("there")]) {
      assert.deepStrictEqual(talk([assistant(foreign, ...parts)], quirks), [own, "reasoning_history"])
    }
  })

  it("takes the seals of its calls along to whoever sealed them", () => {
    const signed = (origin: string): Part => ({
      _tag: "ToolCall",
      id: "c1",
      name: "f",
      arguments: "{}",
      seal: seal(origin),
      cache: undefined
    })
    const extra_content = { google: { thought_signature: "by here" } }
    assert.deepStrictEqual(talk([assistant(signed("here"))]), [
      { role: "assistant", content: null, tool_calls: [{ ...written("c1", "{}"), extra_content }] }
    ])
    assert.deepStrictEqual(talk([assistant(signed("there"))]), [
      { role: "assistant", content: null, tool_calls: [written("c1", "{}")] },
      "reasoning_history"
    ])
  })
})

describe("what tools gave", () => {
  it("is a message each, before what the user says", () => {
    assert.deepStrictEqual(talk([user(text("now"), result("c1", "f", text("a")), result("c2", "g"))]), [
      { role: "tool", tool_call_id: "c1", content: "a" },
      { role: "tool", tool_call_id: "c2", content: "" },
      { role: "user", content: "now" }
    ])
  })

  it("is shown by the user where it is no text", () => {
    const picture = { type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } }
    assert.deepStrictEqual(talk([user(result("c1", "f", text("a"), image()))]), [
      { role: "tool", tool_call_id: "c1", content: "a" },
      { role: "user", content: [picture] }
    ])
  })

  it("is in its own message where a vendor takes pictures there", () => {
    const picture = { type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } }
    assert.deepStrictEqual(talk([user(result("c1", "f", text("a"), image()))], { results: "pictures" }), [
      { role: "tool", tool_call_id: "c1", content: [{ type: "text", text: "a" }, picture] }
    ])
  })

  it("makes no turn of the user's when nothing of it can be shown", () => {
    const page = { ...pdf, source: { _tag: "Url", url: "https://a.test/b.pdf" } } as const
    assert.deepStrictEqual(talk([user(result("c1", "f", text("a"), page))]), [
      { role: "tool", tool_call_id: "c1", content: "a" },
      "documents"
    ])
  })

  it("says in words that it failed", () => {
    const failed = (...parts: ReadonlyArray<Part>) => talk([user({ ...result("c1", "f", ...parts), failed: true })])
    const answer = { role: "tool", tool_call_id: "c1" }
    assert.deepStrictEqual(failed(text("no")), [{ ...answer, content: "Error: no" }, "tool_errors"])
    assert.deepStrictEqual(failed(), [{ ...answer, content: "Error: " }, "tool_errors"])
  })

  it("has ids in the form that a vendor insists on, in calls and results alike", () => {
    const [called, answered] = talk(
      [assistant(call("call_with_a_long_id", "f", "{}")), user(result("call_with_a_long_id", "f"))],
      {
        toolIds: "mistral"
      }
    )
    const [id] = JSON.stringify(called).match(/(?<="id":")[^"]*/) ?? []
    assert.match(id ?? "", /^[a-zA-Z0-9]{9}$/)
    assert.deepInclude(answered, { tool_call_id: id })
    assert.deepNestedPropertyVal(
      talk([assistant(call("abcdefgh1", "f", "{}"))], { toolIds: "mistral" }),
      "0.tool_calls.0.id",
      "abcdefgh1"
    )
  })
})

describe("tools", () => {
  const written = { type: "function", function: { name: "look", description: "Looks." } }

  it("are functions", () => {
    const parameters = { type: "object" }
    assert.deepStrictEqual(said({ tools: [{ ...tool, parameters, strict: true }], parallelTools: false }), [
      {
        tools: [{ type: "function", function: { ...written.function, parameters, strict: true } }],
        parallel_tool_calls: false
      }
    ])
  })

  const choices: ReadonlyArray<readonly [NonNullable<Prompt["toolChoice"]>, unknown]> = [
    [{ _tag: "Auto" }, "auto"],
    [{ _tag: "None" }, "none"],
    [{ _tag: "Required" }, "required"],
    [
      { _tag: "Tool", name: "look" },
      { type: "function", function: { name: "look" } }
    ]
  ]
  for (const [toolChoice, tool_choice] of choices) {
    it(`are chosen as in ${JSON.stringify(tool_choice)}`, () => {
      assert.deepStrictEqual(said({ tools: [tool], toolChoice }), [{ tools: [written], tool_choice }])
    })
  }

  it("that are none are not chosen", () => {
    assert.deepStrictEqual(said({ toolChoice: { _tag: "Required" }, parallelTools: true }), [{}])
  })
})

describe("what is asked of an answer", () => {
  it("is written in OpenAI's words", () => {
    const schema = { type: "object" }
    assert.deepStrictEqual(
      said({
        format: { _tag: "JsonSchema", name: undefined, description: "d", schema, strict: true },
        maxTokens: 5,
        temperature: 0,
        topP: 0.5,
        stop: ["a"],
        seed: 7,
        presencePenalty: -1,
        frequencyPenalty: 1,
        choices: 2,
        user: "u"
      }),
      [
        {
          response_format: {
            type: "json_schema",
            json_schema: { name: "answer", description: "d", schema, strict: true }
          },
          max_tokens: 5,
          temperature: 0,
          top_p: 0.5,
          stop: ["a"],
          seed: 7,
          presence_penalty: -1,
          frequency_penalty: 1,
          n: 2,
          user: "u"
        }
      ]
    )
    assert.deepStrictEqual(said({ format: { _tag: "Json" } }), [{ response_format: { type: "json_object" } }])
  })

  it("is at most four stop sequences", () => {
    const stop = ["a", "b", "c", "d", "e"]
    assert.deepStrictEqual(said({ stop }), [{ stop: stop.slice(0, 4) }, "stop"])
  })

  it("is top_k only where a vendor knows it", () => {
    assert.deepStrictEqual(said({ topK: 5 }), [{}, "top_k"])
    assert.deepStrictEqual(said({ topK: 5 }, { quirks: { knows: ["top_k"] } }), [{ top_k: 5 }])
  })

  it("is overridden by a candidate's own", () => {
    assert.deepStrictEqual(said({ maxTokens: 5, temperature: 1 }, { maxTokens: 9, temperature: 0 }), [
      { max_tokens: 9, temperature: 0 }
    ])
  })

  it("is lost where it has a meaning in the caller's dialect only", () => {
    assert.deepStrictEqual(said({ foreign: ["container", "tools.bash"] }), [
      {},
      "foreign:container",
      "foreign:tools.bash"
    ])
  })

  const limits: ReadonlyArray<readonly [string, Quirks, string]> = [
    ["m-1", {}, "max_tokens"],
    ["gpt-4o", {}, "max_tokens"],
    ["o3-mini", {}, "max_completion_tokens"],
    ["openai/gpt-5", {}, "max_completion_tokens"],
    ["gpt-5", { maxTokensOnly: true }, "max_tokens"]
  ]
  for (const [model, quirks, member] of limits) {
    it(`has its limit in ${member} for ${model} ${JSON.stringify(quirks)}`, () => {
      assert.deepStrictEqual(said({ maxTokens: 5 }, { model, quirks }), [{ [member]: 5 }])
    })
  }
})

describe("what a reasoning model of OpenAI's refuses", () => {
  const choosing: Partial<Prompt> = {
    temperature: 0.2,
    topP: 0.9,
    presencePenalty: 1,
    frequencyPenalty: 1,
    stop: ["a"],
    tools: [tool],
    parallelTools: false
  }
  const tools = [{ type: "function", function: { name: "look", description: "Looks." } }]
  const lost = ["frequency_penalty", "presence_penalty", "stop", "temperature", "top_p"]

  it("is not sent, and lost", () => {
    assert.deepStrictEqual(said(choosing, { model: "gpt-5" }), [{ tools, parallel_tool_calls: false }, ...lost])
    assert.deepStrictEqual(said(choosing, { model: "o3" }), [{ tools }, ...[...lost, "parallel_tools"].toSorted()])
  })

  it("is sent to every other model", () => {
    const { model: _, messages: __, ...rest } = encode(choosing, { model: "gpt-4o" }).json
    assert.deepStrictEqual(Object.keys(rest).toSorted(), [
      "frequency_penalty",
      "parallel_tool_calls",
      "presence_penalty",
      "stop",
      "temperature",
      "tools",
      "top_p"
    ])
  })

  it("is no loss where it is the default", () => {
    const usual = { temperature: 1, topP: 1, presencePenalty: 0, frequencyPenalty: 0 }
    assert.deepStrictEqual(said(usual, { model: "o3" }), [{}])
  })
})

describe("a schema that OpenAI does not take strictly", () => {
  const open = { type: "object", properties: { a: {} } }
  const closed = { ...open, required: ["a"], additionalProperties: false }
  const strictness = (schema: object, set: Partial<Outbound>) => {
    const format = {
      _tag: "JsonSchema",
      name: "n",
      description: undefined,
      schema: { ...schema },
      strict: true
    } as const
    const asked = { format, tools: [{ ...tool, parameters: { ...schema }, strict: true }] }
    const { json, lost } = encode(asked, set)
    return [...JSON.stringify(json).matchAll(/"strict":(\w+)/g)].map(([, strict]) => strict).concat(lost)
  }

  it("is told to it without strictness", () => {
    for (const set of [{ quirks: { openai: true } }, { model: "openai/gpt-4o" }]) {
      assert.deepStrictEqual(strictness(open, set), ["false", "false", "format_schema", "strict_tools"])
      assert.deepStrictEqual(strictness(closed, set), ["true", "true"])
    }
  })

  it("is told to others as it is", () => {
    assert.deepStrictEqual(strictness(open, {}), ["true", "true"])
  })
})

describe("a stream", () => {
  const streamed = (quirks: Quirks) => said({}, { stream: true, quirks })

  it("tells its usage, asked or unasked", () => {
    assert.deepStrictEqual(streamed({}), [{ stream: true, stream_options: { include_usage: true } }])
    assert.deepStrictEqual(streamed({ usageUnasked: true }), [{ stream: true }])
    assert.deepStrictEqual(streamed({ refuses: ["stream_options"] }), [{ stream: true }])
  })
})

describe("thinking", () => {
  const on = { enabled: true, effort: undefined, budgetTokens: undefined }
  const off = { enabled: false, effort: undefined, budgetTokens: undefined }
  const openai: Partial<Outbound> = { model: "gpt-5", quirks: { thinking: "reasoning_effort" } }
  const openrouter: Partial<Outbound> = { quirks: { thinking: "reasoning" } }

  const told: ReadonlyArray<readonly [string, NonNullable<Prompt["thinking"]>, Partial<Outbound>, object, Lost?]> = [
    ["a vendor that is not told how", { ...on, effort: "high" }, {}, {}, "thinking"],
    ["a vendor that is not told how", off, {}, {}],
    ["a model of OpenAI's", { ...on, effort: "low" }, openai, { reasoning_effort: "low" }],
    ["a model of OpenAI's", { ...on, effort: "max" }, openai, { reasoning_effort: "high" }, "thinking"],
    ["a model of OpenAI's", { ...on, effort: "xhigh" }, { ...openai, model: "gpt-5.2" }, { reasoning_effort: "xhigh" }],
    ["a model of OpenAI's", on, openai, {}],
    ["a model of OpenAI's", off, openai, { reasoning_effort: "minimal" }, "thinking"],
    ["a model of OpenAI's", off, { ...openai, model: "gpt-5.1" }, { reasoning_effort: "none" }],
    ["a model of OpenAI's", off, { ...openai, model: "o3" }, {}, "thinking"],
    ["a model of OpenAI's", off, { ...openai, model: "gpt-4o" }, {}],
    ["a model of OpenAI's that cannot", { ...on, effort: "low" }, { ...openai, model: "gpt-4o" }, {}, "thinking"],
    ["a model of OpenAI's", { ...on, budgetTokens: 1_024 }, openai, { reasoning_effort: "low" }, "thinking_budget"],
    ["a model of OpenAI's", { ...on, budgetTokens: 9_000 }, openai, { reasoning_effort: "medium" }, "thinking_budget"],
    ["a model of OpenAI's", { ...on, budgetTokens: 32_000 }, openai, { reasoning_effort: "high" }, "thinking_budget"],
    ["OpenRouter", { ...on, effort: "max" }, openrouter, { reasoning: { effort: "xhigh" } }],
    ["OpenRouter", { ...on, effort: "low" }, openrouter, { reasoning: { effort: "low" } }],
    ["OpenRouter", { ...on, effort: "low", budgetTokens: 9_000 }, openrouter, { reasoning: { max_tokens: 9_000 } }],
    ["OpenRouter", on, openrouter, { reasoning: { enabled: true } }],
    ["OpenRouter", off, openrouter, { reasoning: { enabled: false } }]
  ]
  for (const [whom, thinking, set, expected, loss] of told) {
    it(`${JSON.stringify(thinking)} is asked of ${whom} (${set.model ?? "m-1"}) as ${JSON.stringify(expected)}`, () => {
      assert.deepStrictEqual(said({ thinking }, set), [expected, ...(loss === undefined ? [] : [loss])])
    })
  }
})

describe("what a vendor refuses", () => {
  const everything: Partial<Prompt> = {
    tools: [tool],
    toolChoice: { _tag: "Auto" },
    parallelTools: true,
    format: { _tag: "Json" },
    maxTokens: 5,
    temperature: 1,
    topP: 1,
    topK: 1,
    stop: ["a"],
    seed: 1,
    presencePenalty: 1,
    frequencyPenalty: 1,
    choices: 2,
    thinking: { enabled: true, effort: "low", budgetTokens: undefined },
    user: "u"
  }
  const names: Readonly<Record<string, Lost>> = {
    tools: "tools",
    tool_choice: "tool_choice",
    parallel_tool_calls: "parallel_tools",
    response_format: "format",
    temperature: "temperature",
    top_p: "top_p",
    top_k: "top_k",
    stop: "stop",
    seed: "seed",
    presence_penalty: "presence_penalty",
    frequency_penalty: "frequency_penalty",
    n: "choices",
    reasoning: "thinking",
    user: "user",
    max_tokens: "foreign:max_tokens"
  }
  const quirks: Quirks = { thinking: "reasoning", knows: ["top_k"] }

  for (const [member, name] of Object.entries(names)) {
    it(`${member} is left out, and ${name} is lost`, () => {
      const { [member]: refused, ...rest } = encode(everything, { quirks }).json
      assert.isDefined(refused)
      const { json, lost } = encode(everything, { quirks: { ...quirks, refuses: [member] } })
      assert.deepStrictEqual<object>(json, rest)
      assert.deepStrictEqual<ReadonlyArray<string>>(lost, [name])
    })
  }

  it("is no loss where nobody asked for it", () => {
    assert.deepStrictEqual(said({}, { quirks: { refuses: ["seed", "user", "n"] } }), [{}])
  })
})
