import { assert, describe, it } from "@effect/vitest"
import * as Json from "../../../src/protocol/Json.js"
import { asked, assistant, call, realm, result, system, text, tool, user } from "./prompts.js"

const second = "gemini-2.5-flash"
const third = "gemini-3.1-pro-preview"

/** A picture of one pixel would do as well. */
const picture = { _tag: "Base64", mediaType: "image/png", data: "iVBORw0KGgo=" } as const
const schema = { type: "object", properties: { city: { type: "string" } } }

describe("A prompt for Gemini", () => {
  it("is contents alone when nothing else was asked for", () => {
    assert.deepEqual(asked(second, {}), { json: { contents: [{ role: "user", parts: [{ text: "Hi" }] }] }, lost: [] })
  })

  it("has leading system messages as its instruction, and a later one where it stood, as the user's", () => {
    const messages = [
      system("Be kind."),
      system("Be brief."),
      user(text("Hi")),
      assistant(text("Hello")),
      system("Rhyme.")
    ]
    assert.deepEqual(asked(second, { messages }).json, {
      systemInstruction: { parts: [{ text: "Be kind." }, { text: "Be brief." }] },
      contents: [
        { role: "user", parts: [{ text: "Hi" }] },
        { role: "model", parts: [{ text: "Hello" }] },
        { role: "user", parts: [{ text: "Rhyme." }] }
      ]
    })
  })

  it("says an instruction as the user when there is nothing else to say", () => {
    for (const messages of [[system("Write a poem.")], [system("Write a poem."), user(text(""))]]) {
      assert.deepEqual(asked(second, { messages }).json, {
        contents: [{ role: "user", parts: [{ text: "Write a poem." }] }]
      })
    }
  })

  it("joins messages of one role, and leaves out empty texts and messages that hold nothing", () => {
    const messages = [user(text("a")), assistant(text("")), user(text(""), text("b")), assistant(text("c"), text("d"))]
    assert.deepEqual(asked(second, { messages }).json["contents"], [
      { role: "user", parts: [{ text: "a" }, { text: "b" }] },
      { role: "model", parts: [{ text: "c" }, { text: "d" }] }
    ])
  })

  it("holds media as bytes, or as a URL whose type its extension tells", () => {
    const messages = [
      user(
        { _tag: "Image", source: picture, detail: undefined, cache: undefined },
        {
          _tag: "Image",
          source: { _tag: "Url", url: "https://a.example/x.JPG?v=1.2" },
          detail: undefined,
          cache: undefined
        },
        { _tag: "Image", source: { _tag: "Url", url: "https://a.example" }, detail: "auto", cache: undefined },
        { _tag: "Document", source: { ...picture, mediaType: "application/pdf" }, name: "a.pdf", cache: undefined },
        { _tag: "Document", source: { _tag: "PlainText", text: "plain" }, name: undefined, cache: undefined },
        { _tag: "Audio", format: "mp3", data: "SUQz" },
        { _tag: "Refusal", text: "no" }
      )
    ]
    assert.deepEqual(asked(second, { messages }), {
      json: {
        contents: [
          {
            role: "user",
            parts: [
              { inlineData: { mimeType: "image/png", data: "iVBORw0KGgo=" } },
              { fileData: { mimeType: "image/jpeg", fileUri: "https://a.example/x.JPG?v=1.2" } },
              { fileData: { fileUri: "https://a.example" } },
              { inlineData: { mimeType: "application/pdf", data: "iVBORw0KGgo=" } },
              { text: "plain" },
              { inlineData: { mimeType: "audio/mp3", data: "SUQz" } },
              { text: "no" }
            ]
          }
        ]
      },
      lost: []
    })
  })

  it("names what Gemini cannot be told", () => {
    const cache = { ttl: "5m" } as const
    const { json, lost } = asked(second, {
      messages: [
        user({ _tag: "Text", text: "Hi", cache }),
        user({ _tag: "Image", source: picture, detail: "high", cache: undefined }, { _tag: "Foreign", kind: "video" })
      ],
      tools: [tool("a", { strict: true, cache })],
      parallelTools: false,
      stop: ["1", "2", "3", "4", "5", "6"],
      seed: 2 ** 31,
      presencePenalty: 1,
      frequencyPenalty: 1,
      user: "u-1",
      foreign: ["logit_bias"]
    })
    assert.deepEqual(lost, [
      "cache_control",
      "foreign:logit_bias",
      "foreign:video",
      "frequency_penalty",
      "image_detail",
      "parallel_tools",
      "presence_penalty",
      "seed",
      "stop",
      "strict_tools",
      "user"
    ])
    assert.deepEqual(json["generationConfig"], { stopSequences: ["1", "2", "3", "4", "5"] })
  })

  it("puts every sampling parameter under Google's name, the candidate's own limits before the prompt's", () => {
    const sampling = {
      maxTokens: 100,
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      stop: ["END"],
      seed: 7,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      choices: 2
    }
    assert.deepEqual(asked("gemini-2.0-flash", sampling, { maxTokens: 50, temperature: 0 }), {
      json: {
        contents: [{ role: "user", parts: [{ text: "Hi" }] }],
        generationConfig: {
          maxOutputTokens: 50,
          temperature: 0,
          topP: 0.9,
          topK: 40,
          stopSequences: ["END"],
          seed: 7,
          presencePenalty: 0.1,
          frequencyPenalty: 0.2,
          candidateCount: 2
        }
      },
      lost: []
    })
  })

  it("asks Gemini 3 for one candidate, and loses nothing when no more was asked for", () => {
    assert.deepEqual(asked(third, { choices: 2 }).lost, ["choices"])
    assert.deepEqual(asked(third, { choices: 1 }).lost, [])
    assert.deepEqual(asked(second, { presencePenalty: 0 }).lost, [])
    assert.deepEqual(asked(second, { presencePenalty: 0 }).json["generationConfig"], undefined)
  })
})

describe("Tools for Gemini", () => {
  it("are declared with their JSON schema, or without where they take nothing", () => {
    const tools = [tool("now"), tool("weather", { description: "Tells it", parameters: schema })]
    assert.deepEqual(asked(second, { tools }).json["tools"], [
      {
        functionDeclarations: [
          { name: "now" },
          { name: "weather", description: "Tells it", parametersJsonSchema: schema }
        ]
      }
    ])
  })

  it.each([
    [{ _tag: "Auto" }, { mode: "AUTO" }],
    [{ _tag: "None" }, { mode: "NONE" }],
    [{ _tag: "Required" }, { mode: "ANY" }],
    [
      { _tag: "Tool", name: "now" },
      { mode: "ANY", allowedFunctionNames: ["now"] }
    ]
  ] as const)("are called as %o says", (toolChoice, functionCallingConfig) => {
    assert.deepEqual(asked(second, { tools: [tool("now")], toolChoice }).json["toolConfig"], { functionCallingConfig })
    assert.deepEqual(asked(second, { toolChoice }).json["toolConfig"], undefined)
  })

  const format = { _tag: "JsonSchema", name: "a", description: undefined, schema, strict: true } as const
  const json = { responseMimeType: "application/json", responseJsonSchema: schema }

  it("and a JSON answer have schemas that Gemini understands", () => {
    const { json: body } = asked(third, {
      tools: [tool("now", { parameters: { properties: { a: { const: "x" } } } })],
      format: { ...format, schema: { const: "x" } }
    })
    assert.deepEqual(body["tools"], [
      {
        functionDeclarations: [
          { name: "now", parametersJsonSchema: { properties: { a: { type: "string", enum: ["x"] } } } }
        ]
      }
    ])
    assert.deepEqual(body["generationConfig"], { ...json, responseJsonSchema: { type: "string", enum: ["x"] } })
  })

  it("leave room for a JSON answer only since Gemini 3, and only where no call is forced", () => {
    const tools = [tool("now")]
    assert.deepEqual(asked(second, { format }).json["generationConfig"], json)
    assert.deepEqual(asked(third, { format, tools }).json["generationConfig"], json)
    for (const { json: body, lost } of [
      asked(second, { format, tools }),
      asked(third, { format, tools, toolChoice: { _tag: "Required" } })
    ]) {
      assert.deepEqual(lost, ["format"])
      assert.deepEqual(body["generationConfig"], undefined)
      assert.isDefined(body["tools"])
    }
  })

  it("are not declared beside a JSON answer when they must not be called", () => {
    const { json: body, lost } = asked(second, {
      format: { _tag: "Json" },
      tools: [tool("now")],
      toolChoice: { _tag: "None" }
    })
    assert.deepEqual(lost, [])
    assert.deepEqual(body, {
      contents: [{ role: "user", parts: [{ text: "Hi" }] }],
      generationConfig: { responseMimeType: "application/json" }
    })
  })
})

describe("Earlier turns for Gemini", () => {
  const skip = "skip_thought_signature_validator"
  const contentsOf = (model: string, messages: Parameters<typeof asked>[1]["messages"]) =>
    Json.records(asked(model, { messages: messages ?? [] }).json["contents"]).map(({ parts }) => parts)

  it("keep the ids of calls and results, and every digit of the arguments", () => {
    const args = '{"id":12345678901234567890}'
    const messages = [assistant(call("c1", "find", args)), user(result("c1", "find", [text("ok")]))]
    const { json } = asked(second, { messages })
    assert.include(Json.stringify(json), args)
    assert.deepEqual(Json.parsed(Json.stringify(json["contents"])), [
      { role: "model", parts: [{ functionCall: { id: "c1", name: "find", args: Json.parsed(args) } }] },
      { role: "user", parts: [{ functionResponse: { id: "c1", name: "find", response: { result: "ok" } } }] }
    ])
  })

  it.each(["", "{", "[1]", "7"])("call with an object of arguments also where %o was recorded", (args) => {
    assert.deepEqual(contentsOf(second, [assistant(call("c1", "now", args))]), [
      [{ functionCall: { id: "c1", name: "now", args: {} } }]
    ])
  })

  it.each([
    ['{"sum":3}', false, { sum: 3 }],
    ["[3]", false, { result: "[3]" }],
    ["three", false, { result: "three" }],
    ["", false, { result: "" }],
    ["no such file", true, { error: "no such file" }],
    ['{"code":5}', true, { error: { code: 5 } }],
    ['{"error":"gone"}', true, { error: "gone" }]
  ] as const)("answer a call with %o (failed: %o) as an object", (said, failed, response) => {
    assert.deepEqual(contentsOf(second, [user(result("c1", undefined, [text(said)], failed))]), [
      [{ functionResponse: { id: "c1", name: "c1", response } }]
    ])
  })

  it("show what a tool gave in its result since Gemini 3, and what a result cannot hold behind it", () => {
    const parts = [
      text("a picture"),
      { _tag: "Image", source: picture, detail: undefined, cache: undefined } as const,
      {
        _tag: "Image",
        source: { _tag: "Url", url: "https://a.example/x.png" },
        detail: undefined,
        cache: undefined
      } as const,
      {
        _tag: "Document",
        source: { ...picture, mediaType: "application/pdf" },
        name: undefined,
        cache: undefined
      } as const,
      { _tag: "Audio", format: "wav", data: "UklGRg==" } as const
    ]
    const messages = [user(result("c1", "draw", parts))]
    const functionResponse = { id: "c1", name: "draw", response: { result: "a picture" } }
    const shown = [
      { inlineData: { mimeType: "image/png", data: picture.data } },
      { inlineData: { mimeType: "application/pdf", data: picture.data } }
    ]
    const linked = { fileData: { mimeType: "image/png", fileUri: "https://a.example/x.png" } }
    const audio = { inlineData: { mimeType: "audio/wav", data: "UklGRg==" } }
    assert.deepEqual(contentsOf(third, messages), [
      [{ functionResponse: { ...functionResponse, parts: shown } }, linked, audio]
    ])
    const [image, document] = shown
    assert.deepEqual(contentsOf(second, messages), [[{ functionResponse }, image, linked, document, audio]])
    assert.deepEqual(asked(second, { messages }).lost, [])
  })

  it("bring a signature back to its maker only", () => {
    const own = { origin: realm, value: "sig" }
    const messages = [
      assistant({ _tag: "Reasoning", text: "Hm.", seal: own }, call("c1", "now", "{}", own)),
      user(result("c1", "now", [text("noon")]))
    ]
    assert.deepEqual(contentsOf(second, messages)[0], [
      { text: "Hm.", thought: true, thoughtSignature: "sig" },
      { functionCall: { id: "c1", name: "now", args: {} }, thoughtSignature: "sig" }
    ])
    assert.deepEqual(asked(second, { messages }).lost, [])
    const foreign = asked(second, { messages }, { realm: "vertex" })
    assert.deepEqual(Json.records(foreign.json["contents"])[0]?.["parts"], [
      { functionCall: { id: "c1", name: "now", args: {} } }
    ])
    assert.deepEqual(foreign.lost, ["reasoning_history"])
  })

  it.each([
    { _tag: "Reasoning", text: "Hm.", seal: undefined } as const,
    { _tag: "Reasoning", text: "", seal: { origin: realm, value: "sig" } } as const,
    { _tag: "Sealed", seal: { origin: realm, value: "sig" } } as const
  ])("do not repeat a thought that says nothing to it: %o", (part) => {
    const { json, lost } = asked(second, { messages: [user(text("Hi")), assistant(part)] })
    assert.deepEqual(json["contents"], [{ role: "user", parts: [{ text: "Hi" }] }])
    assert.deepEqual(lost, ["reasoning_history"])
  })

  it("sign the first call of a step for Gemini 3 where nobody did, and no call for an earlier one", () => {
    const messages = [
      user(text("Hi")),
      assistant(text("Let me see."), call("c1", "now", "{}"), call("c2", "now", "{}")),
      user(result("c1", "now", [text("1")]), result("c2", "now", [text("2")])),
      assistant(call("c3", "now", "{}", { origin: realm, value: "sig" }), call("c4", "now", "{}"))
    ]
    const signatures = (model: string) =>
      contentsOf(model, messages).map((parts) => Json.records(parts).map((part) => part["thoughtSignature"]))
    for (const model of [third, "models/gemini-flash-latest"]) {
      assert.deepEqual(signatures(model), [
        [undefined],
        [undefined, skip, undefined],
        [undefined, undefined],
        ["sig", undefined]
      ])
    }
    assert.notInclude(JSON.stringify(signatures(second)), skip)
    assert.notInclude(JSON.stringify(signatures("gemma-3-27b-it")), skip)
  })
})
