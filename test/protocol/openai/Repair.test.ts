import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Json from "../../../src/protocol/Json.js"
import { answer, callingAnswer, callingStream, gone, put, repaired, repairedAll, stream } from "./answers.js"

/** One defect of an answer: where, what is there, and what a caller gets instead. */
type Defect = readonly [path: string, said: unknown, told: unknown]

const shown = (value: unknown): string => (value === gone ? "not there" : JSON.stringify(value))

/** What JSON says of it: members that are undefined are not there. */
const plain = (value: unknown): unknown => JSON.parse(Json.stringify(value))

const citation = { url: "https://a.test", title: "A", start_index: 0, end_index: 2 }
const { title: _, ...untitled } = citation
const token = { token: "hi", logprob: -1, bytes: null }
const legacyLogprobs = { tokens: ["hi"], token_logprobs: [-1], top_logprobs: null, text_offset: [0] }

/** Members that stand around the choices. */
const around: ReadonlyArray<Defect> = [
  ["id", null, "chatcmpl-1"],
  ["id", 5, "5"],
  ["object", "text", "?"],
  ["created", "12", 12],
  ["created", 1_700_000_000_000, 1_700_000_000],
  ["created", "soon", 7],
  ["model", null, "m-asked"],
  ["model", 4, "m-asked"],
  ["error", null, gone],
  ["error", {}, gone],
  ["error", "", gone],
  ["error", false, gone],
  ["provider", null, gone]
]

const counts: ReadonlyArray<Defect> = [
  ["usage", {}, { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }],
  ["usage", "many", gone],
  ["usage.total_tokens", gone, 5],
  ["usage.total_tokens", "5", 5],
  ["usage.prompt_tokens", "3", 3],
  ["usage.completion_tokens", null, 0],
  ["usage.prompt_tokens_details", { cached_tokens: null }, { cached_tokens: 0 }],
  [
    "usage.prompt_tokens_details",
    { audio_tokens: 1, text_tokens: null },
    { audio_tokens: 1, text_tokens: null, cached_tokens: 0 }
  ],
  ["usage.completion_tokens_details", {}, { reasoning_tokens: 0 }]
]

/** Members of a choice, but for what it says. */
const choice: ReadonlyArray<Defect> = [
  ["choices.0.index", gone, 0],
  ["choices.0.index", null, 0],
  ["choices.0.logprobs", {}, null],
  ["choices.0.logprobs", [], null],
  ["choices.0.logprobs", legacyLogprobs, null],
  ["choices.0.logprobs", { content: [token] }, { content: [{ ...token, top_logprobs: [] }] }]
]

/** Members of a message or a delta. */
const message = (at: string): ReadonlyArray<Defect> => [
  [
    `${at}.content`,
    [
      { type: "text", text: "h" },
      { type: "text", text: "i" }
    ],
    "hi"
  ],
  [`${at}.tool_calls`, null, gone],
  [`${at}.tool_calls`, [null], gone],
  [`${at}.annotations`, [{ type: "file", file: {} }], []],
  [`${at}.annotations`, {}, gone],
  [
    `${at}.annotations`,
    [{ type: "url_citation", url_citation: { url: "https://a.test", title: "A" } }],
    [{ type: "url_citation", url_citation: { ...citation, end_index: 0 } }]
  ],
  [
    `${at}.annotations`,
    [{ url_citation: untitled }],
    [{ type: "url_citation", url_citation: { ...citation, title: "" } }]
  ],
  [`${at}.reasoning`, {}, gone],
  [`${at}.reasoning_content`, [{ type: "text", text: "hm" }], "hm"]
]

const inMessage = "choices.0.message"

const ofAnswers: ReadonlyArray<Defect> = [
  ...around,
  ...counts,
  ...choice,
  ...message(inMessage),
  ["usage", null, gone],
  ["choices.0.finish_reason", gone, "stop"],
  ["choices.0.finish_reason", null, "stop"],
  ["choices.0.finish_reason", "", "stop"],
  ["choices.0.finish_reason", "eos", "stop"],
  ["choices.0.finish_reason", "max_tokens", "length"],
  ["choices.0.finish_reason", 1, "stop"],
  [`${inMessage}.content`, gone, null],
  [`${inMessage}.content`, [], null],
  [`${inMessage}.role`, gone, "assistant"],
  [`${inMessage}.role`, null, "assistant"],
  [`${inMessage}.role`, "model", "assistant"],
  [inMessage, gone, { role: "assistant", content: null }],
  [inMessage, null, { role: "assistant", content: null }]
]

const inCall = `${inMessage}.tool_calls.0`

const ofCalls: ReadonlyArray<Defect> = [
  [`${inCall}.type`, gone, "function"],
  [`${inCall}.type`, null, "function"],
  [`${inCall}.id`, gone, "call_1"],
  [`${inCall}.id`, null, "call_1"],
  [`${inCall}.id`, "", "call_1"],
  [`${inCall}.id`, 5, "call_1"],
  [`${inCall}.function.arguments`, { a: 1 }, '{"a":1}'],
  [`${inCall}.function.arguments`, "", "{}"],
  [`${inCall}.function.arguments`, gone, "{}"],
  [`${inCall}.function.arguments`, null, "{}"],
  ["choices.0.finish_reason", "", "tool_calls"],
  ["choices.0.finish_reason", "tool_use", "tool_calls"]
]

/** The object's own kind is told by the suite. */
const as = (object: string, [path, said, told]: Defect): Defect => [path, said, path === "object" ? object : told]

describe("a whole answer of a vendor's own ways", () => {
  for (const [good, defects] of [
    [answer, ofAnswers],
    [callingAnswer, ofCalls]
  ] as const) {
    for (const defect of defects) {
      const [path, said, told] = as("chat.completion", defect)
      it(`has ${path} ${shown(told)} where it was ${shown(said)}`, () => {
        const got = repaired(Json.record(put(good, path, said)))
        assert.deepStrictEqual(plain(got), plain(put(good, path, told)))
        assert.strictEqual(repaired(got), got)
      })
    }
  }

  it("has no choices that are none", () => {
    const [only] = answer.choices
    assert.deepStrictEqual<unknown>(repaired({ ...answer, choices: [null, only, "?"] }), answer)
  })

  it("has Mistral's thoughts where OpenAI's clients look for them", () => {
    const content = [
      { type: "thinking", thinking: [{ type: "text", text: "hm" }] },
      { type: "text", text: "hi" }
    ]
    assert.deepStrictEqual(
      plain(repaired(Json.record(put(answer, `${inMessage}.content`, content)))),
      put(answer, `${inMessage}.reasoning_content`, "hm")
    )
  })

  it("keeps thoughts that stand in another member already", () => {
    const told = put(put(answer, `${inMessage}.reasoning`, "hm"), `${inMessage}.content`, [
      { type: "text", text: "hi" }
    ])
    assert.deepStrictEqual(plain(repaired(Json.record(told))), put(answer, `${inMessage}.reasoning`, "hm"))
  })

  it.prop(
    "is repaired once, however many defects it has",
    [FastCheck.subarray([...ofAnswers]), FastCheck.subarray([...ofCalls])],
    ([some, others]) => {
      for (const [good, defects] of [
        [answer, some],
        [callingAnswer, others]
      ] as const) {
        // What lies within what is gone already cannot be set.
        const broken = defects.reduce<unknown>((json, [path, said]) => put(json, path, said), good)
        const got = repaired(Json.record(broken))
        assert.strictEqual(repaired(got), got)
      }
    }
  )
})

describe("an answer that is good", () => {
  const good: Readonly<Record<string, object>> = {
    "that speaks": answer,
    "that calls": callingAnswer,
    "that was made to call one function, which OpenAI ends with `stop`": Json.record(
      put(callingAnswer, "choices.0.finish_reason", "stop")
    ),
    "with the old form of a call": Json.record(
      put(answer, inMessage, {
        role: "assistant",
        content: null,
        function_call: { name: "f", arguments: "{}" }
      })
    ),
    "with logprobs": Json.record(
      put(answer, "choices.0.logprobs", {
        content: [{ ...token, top_logprobs: [] }],
        refusal: null
      })
    ),
    "with citations": Json.record(
      put(answer, `${inMessage}.annotations`, [{ type: "url_citation", url_citation: citation }])
    ),
    "with audio": Json.record(put(answer, `${inMessage}.audio`, { id: "audio_1", data: "AAAA" })),
    "with reasoning": Json.record(put(answer, `${inMessage}.reasoning_content`, "hm")),
    "with members of a vendor's own": { ...answer, x_groq: { id: "req" }, citations: null, system_fingerprint: null },
    "without what every client can do without": Json.record(
      ["id", "created", "model", "object", "usage"].reduce<unknown>((json, path) => put(json, path, gone), answer)
    ),
    "with two choices": { ...answer, choices: [...answer.choices, { ...answer.choices[0], index: 1 }] },
    "with two calls of one id": Json.record(
      put(callingAnswer, `${inMessage}.tool_calls`, [
        { id: "call_a", type: "function", function: { name: "f", arguments: "{}" } },
        { id: "call_a", type: "function", function: { name: "g", arguments: "{}" } }
      ])
    )
  }
  for (const [which, json] of Object.entries(good)) {
    it(`${which} is the very same object`, () => {
      const given = Json.record(json)
      assert.strictEqual(repaired(given), given)
    })
  }
})

const inDelta = "choices.0.delta"

/** Defects of a chunk that is not the first. */
const ofChunks: ReadonlyArray<Defect> = [
  ...around,
  ...choice,
  ...message(inDelta),
  [`${inDelta}.role`, "", gone],
  [`${inDelta}.role`, null, gone],
  [`${inDelta}.role`, "model", gone],
  [`${inDelta}.content`, [], gone],
  ["choices.0.finish_reason", "", null],
  ["choices.0.finish_reason", gone, null]
]

const ofFirstChunks: ReadonlyArray<Defect> = [
  [`${inDelta}.role`, gone, "assistant"],
  [`${inDelta}.role`, null, "assistant"],
  [`${inDelta}.role`, "", "assistant"],
  [inDelta, gone, { role: "assistant" }],
  [inDelta, null, { role: "assistant" }]
]

const ofLastChunks: ReadonlyArray<Defect> = [
  ["choices.0.finish_reason", "eos", "stop"],
  [inDelta, gone, {}],
  [inDelta, null, {}]
]

const ofUsageChunks: ReadonlyArray<Defect> = [
  ...counts,
  ["choices", gone, []],
  ["choices", null, []],
  ["choices", [null], []]
]

const inPiece = `${inDelta}.tool_calls.0`

const ofFirstPieces: ReadonlyArray<Defect> = [
  [`${inPiece}.index`, gone, 0],
  [`${inPiece}.index`, null, 0],
  [`${inPiece}.type`, gone, "function"],
  [`${inPiece}.type`, null, "function"],
  [`${inPiece}.id`, gone, "call_1"],
  [`${inPiece}.id`, "", "call_1"],
  [`${inPiece}.id`, null, "call_1"],
  [`${inPiece}.function.arguments`, null, ""],
  [`${inPiece}.function.arguments`, gone, ""],
  [`${inPiece}.function.arguments`, {}, "{}"]
]

const ofLaterPieces: ReadonlyArray<Defect> = [
  [`${inPiece}.index`, gone, 0],
  [`${inPiece}.index`, null, 0],
  [`${inPiece}.type`, "", gone],
  [`${inPiece}.type`, null, gone],
  [`${inPiece}.id`, "another", gone],
  [`${inPiece}.id`, 5, gone],
  [`${inPiece}.id`, "", gone],
  [`${inPiece}.id`, null, gone],
  [`${inPiece}.function.name`, "", gone],
  [`${inPiece}.function.name`, null, gone],
  [`${inPiece}.function.arguments`, null, ""]
]

describe("a chunk of a vendor's own ways", () => {
  const suites = [
    ["first", stream, 0, ofFirstChunks],
    ["second", stream, 1, ofChunks],
    ["third", stream, 2, ofLastChunks],
    ["last", stream, 3, ofUsageChunks],
    ["first of a call", callingStream, 0, ofFirstPieces],
    ["second of a call", callingStream, 1, ofLaterPieces]
  ] as const
  for (const [which, chunks, at, defects] of suites) {
    for (const defect of defects) {
      const [path, said, told] = as("chat.completion.chunk", defect)
      it(`that is the ${which} has ${path} ${shown(told)} where it was ${shown(said)}`, () => {
        const broken = chunks.map((each, position) => (position === at ? put(each, path, said) : each))
        const mended = chunks.map((each, position) => (position === at ? put(each, path, told) : each))
        assert.deepStrictEqual(plain(repairedAll(broken)), plain(mended))
      })
    }
  }

  it("that says nothing at all has no choices", () => {
    assert.deepStrictEqual<unknown>(repairedAll([{}]), [{ choices: [] }])
  })

  it("ends its choice once", () => {
    const [, , last] = stream
    const again = { ...last, choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: null }] }
    assert.deepStrictEqual<unknown>(repairedAll([stream[0], last, last]), [stream[0], last, again])
  })

  it("has the same new id as every other one", () => {
    const ids = repairedAll(stream.map((each) => ({ ...each, id: null }))).map(({ id }) => id)
    assert.deepStrictEqual(
      ids,
      ids.map(() => "chatcmpl-1")
    )
  })

  it("has its calls at places that count from zero, whatever indices they came with", () => {
    const at = (...indices: ReadonlyArray<unknown>) =>
      repairedAll(
        indices.map((index, position) =>
          put(callingStream[0], inPiece, {
            index,
            id: position < 2 ? `call_${position}` : undefined,
            type: "function",
            function: { name: position < 2 ? "f" : undefined, arguments: "" }
          })
        )
      ).map(({ choices }) => {
        const [first] = Json.records(choices)
        return Json.records(Json.record(first?.["delta"])["tool_calls"])[0]?.["index"]
      })
    assert.deepStrictEqual(at(1, 1, 1), [0, 1, 1])
    assert.deepStrictEqual(at(0, 0, 0), [0, 1, 1])
    assert.deepStrictEqual(at(2, 5, 2), [0, 1, 0])
    assert.deepStrictEqual(at(undefined, null, undefined), [0, 1, 1])
  })

  it("of another choice is that choice's first", () => {
    const second = { ...stream[1], choices: [{ index: 1, delta: { content: "b" }, finish_reason: null }] }
    const [, told] = repairedAll([stream[0], second])
    assert.deepNestedPropertyVal(told, inDelta, { content: "b", role: "assistant" })
  })
})

describe("chunks that are good", () => {
  it("are the very same objects", () => {
    for (const chunks of [stream, callingStream]) {
      repairedAll(chunks).forEach((each, at) => assert.strictEqual<unknown>(each, chunks[at]))
    }
  })
})

describe("seals of whoever is not the native one", () => {
  const details = [
    { type: "reasoning.text", text: "hm", signature: "S", index: 0 },
    { type: "reasoning.encrypted", data: "D", index: 1 },
    { type: "reasoning.summary", summary: "so", index: 2 }
  ]
  const [signed, encrypted, summary] = details
  const marked = (origin: string) => [
    { ...signed, signature: `orelse~${origin}~S` },
    { ...encrypted, data: `orelse~${origin}~D` },
    summary
  ]
  const extra = (thought_signature: string) => ({ google: { thought_signature } })

  it("are marked with their origin in thoughts", () => {
    const path = `${inMessage}.reasoning_details`
    const given = Json.record(put(answer, path, details))
    assert.deepStrictEqual<unknown>(repaired(given, "minimax"), put(answer, path, marked("minimax")))
    assert.strictEqual(repaired(given, "openrouter"), given)
    const [, told] = repairedAll([stream[0], put(stream[1], `${inDelta}.reasoning_details`, details)], "minimax")
    assert.deepNestedPropertyVal(told, `${inDelta}.reasoning_details`, marked("minimax"))
  })

  it("are marked with their origin on calls", () => {
    const path = `${inCall}.extra_content`
    const given = Json.record(put(callingAnswer, path, { ...extra("S"), other: 1 }))
    assert.deepStrictEqual<unknown>(
      repaired(given, "vercel"),
      put(callingAnswer, path, { ...extra("orelse~vercel~S"), other: 1 })
    )
    assert.strictEqual(repaired(given, "gemini"), given)
    const piece = put(callingStream[0], `${inPiece}.extra_content`, extra("S"))
    const [told] = repairedAll([piece], "vercel")
    assert.deepNestedPropertyVal(told, `${inPiece}.extra_content`, extra("orelse~vercel~S"))
  })
})
