import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import { toUsd } from "../../src/domain/Money.js"
import { total } from "../../src/domain/Usage.js"
import * as PlainIn from "../../src/protocol/openai/PlainIn.js"
import { StreamMachine } from "../../src/protocol/StreamMachine.js"
import * as Translation from "../../src/protocol/Translation.js"
import { chunk, comment, done, frame, role, says, sizes, stop, textOf, tokens, usageOnly } from "../support/chunks.js"
import { answering, join, machine as newMachine, run } from "../support/machine.js"

/** The first words of an answer. */
const hi = chunk({ role: "assistant", content: "hi" })
/** Those of another choice. */
const second = chunk({ role: "assistant", content: "b" }, null, {}, 1)

const crlf = (bytes: Buffer): Buffer => Buffer.from(bytes.toString().replaceAll("\n", "\r\n"))
const cr = (bytes: Buffer): Buffer => Buffer.from(bytes.toString().replaceAll("\n", "\r"))

const assertFailed = (category: string, frames: ReadonlyArray<Buffer>, released: string): void => {
  const found = run(frames)
  assert.deepStrictEqual([found.verdict, found.failure?.category, found.released], ["failed", category, released])
}

const anyFrame: FastCheck.Arbitrary<Buffer> = FastCheck.oneof(
  { weight: 4, arbitrary: FastCheck.string({ unit: "grapheme", maxLength: 12 }).map(says) },
  {
    weight: 4,
    arbitrary: FastCheck.constantFrom(
      role,
      comment,
      usageOnly,
      stop,
      done,
      chunk({ content: null }, null, { usage: null }),
      chunk({ tool_calls: [{ index: 1, function: { arguments: '{"error": "usage"}' } }] }),
      chunk({ content: "b" }, null, {}, 1),
      chunk({}, "length", { usage: tokens }, 1),
      frame({ error: { message: "Overloaded", code: 503 } }),
      Buffer.from("event: error\ndata: overloaded\n\n"),
      Buffer.from("event: ping\ndata: {}\n\n"),
      Buffer.from('data: {"id": "cut off\n\n'),
      Buffer.from("retry: 100\n\n")
    )
  }
)

const anyStream = FastCheck.tuple(
  FastCheck.array(
    FastCheck.tuple(
      anyFrame,
      FastCheck.constantFrom((lines: Buffer) => lines, crlf, cr)
    ),
    {
      maxLength: 12
    }
  ),
  FastCheck.boolean()
).map(([frames, whole]) => {
  const bytes = Buffer.concat(frames.map(([each, ended]) => ended(each)))
  return whole ? bytes : bytes.subarray(0, Math.floor(bytes.length * 0.9))
})

describe("however a stream is cut into chunks", () => {
  it.prop(
    "the same bytes are released, with the same end and usage",
    [anyStream, sizes, FastCheck.boolean()],
    ([bytes, pieces, hidesUsage]) => {
      assert.deepStrictEqual(run([bytes], { hidesUsage, sizes: pieces }), run([bytes], { hidesUsage }))
    },
    { fastCheck: { numRuns: 500 } }
  )

  it.prop(
    "a character of several bytes arrives whole",
    [FastCheck.array(FastCheck.string({ unit: "grapheme", minLength: 1 }), { minLength: 1 }), sizes],
    ([texts, pieces]) => {
      const { released, verdict } = run([role, ...texts.map(says), stop, done], { sizes: pieces })
      assert.deepStrictEqual([verdict, textOf(Buffer.from(released))], ["done", texts.join("")])
    }
  )

  it.prop("nothing is released by a stream that fails before it said anything", [sizes], ([pieces]) => {
    for (const end of [frame({ error: { message: "no" } }), done, Buffer.from("data: {")]) {
      const { released, verdict } = run([comment, role, chunk({}), end], { sizes: pieces })
      assert.deepStrictEqual([released, verdict], ["", "failed"])
    }
  })
})

describe("until the first output", () => {
  it("frames are held, and released with it in their order", () => {
    const machine = newMachine()
    const silent = [role, chunk({}), chunk({ content: null, refusal: null })]
    for (const each of silent) assert.deepStrictEqual([machine.push(each), machine.verdict], [[], "preamble"])
    assert.strictEqual(join(...machine.push(says("hi"))), join(...silent, says("hi")))
    assert.strictEqual(machine.verdict, "committed")
  })

  const silent: Readonly<Record<string, Buffer>> = {
    "a role": role,
    "an empty delta": chunk({}),
    "an empty text": chunk({ content: "" }),
    "members that are null": chunk({ content: null, refusal: null, tool_calls: null, function_call: null }),
    "empty lists": chunk({ content: [], tool_calls: [], reasoning_details: [] }),
    "no choices": frame({ choices: [], prompt_filter_results: [{ prompt_index: 0 }] }),
    "usage alone": usageOnly,
    "a comment": comment,
    "a ping": Buffer.from('event: ping\ndata: {"type":"ping"}\n\n'),
    "a frame that is no JSON": Buffer.from("data: still thinking\n\n")
  }
  for (const [what, each] of Object.entries(silent)) {
    it(`${what} does not commit`, () => {
      assert.deepInclude(run([role, each], { ends: false }), { verdict: "preamble", released: "" })
    })
  }

  const spoken: Readonly<Record<string, Buffer>> = {
    "a text": says(" "),
    "a tool call": chunk({
      tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: "f", arguments: "" } }]
    }),
    "a function call of the old kind": chunk({ function_call: { name: "f", arguments: "" } }),
    "reasoning (DeepSeek)": chunk({ reasoning_content: "hm" }),
    "reasoning (OpenRouter, Groq)": chunk({ reasoning: "hm" }),
    "a refusal": chunk({ refusal: "I cannot" }),
    audio: chunk({ audio: { data: "AAAA" } }),
    "a finish": chunk({}, "content_filter"),
    "another choice's text": second
  }
  for (const [what, each] of Object.entries(spoken)) {
    it(`${what} commits, and goes out as it came`, () => {
      assert.deepInclude(run([role, each], { ends: false }), { verdict: "committed", released: join(role, each) })
    })
  }

  it("a text in parts and encrypted reasoning commit, in the form that every client reads", () => {
    const parts = chunk({ content: [{ type: "text", text: "x" }] })
    const sealed = (data: string) => chunk({ content: "", reasoning_details: [{ type: "reasoning.encrypted", data }] })
    for (const [each, shown] of [
      [parts, says("x")],
      [sealed("B7"), sealed("orelse~here~B7")]
    ] as const) {
      assert.deepInclude(run([role, each], { ends: false }), { verdict: "committed", released: join(role, shown) })
    }
  })

  it("a text of the completions API commits, and no chunk is made of it", () => {
    const frames = ["x", "y"].map((text) => frame({ choices: [{ index: 0, text, finish_reason: null }] }))
    const request = Either.getOrThrow(PlainIn.decodeCompletions(Buffer.from("{}"), { model: "m", prompt: "p" }))
    const machine = new StreamMachine(Translation.way(request, "openai-completions", answering()))
    assert.strictEqual(join(...frames.flatMap((each) => machine.push(each))), join(...frames))
    assert.strictEqual(machine.verdict, "committed")
  })

  const many = (each: Buffer, length: number) => Array.from({ length }, () => each)

  it("of a flood of empty chunks only the first are held, and what opens the answer is among them", () => {
    const { released, verdict } = run([role, ...many(chunk({}), 5_000), says("hi"), stop, done])
    assert.strictEqual(released, join(role, ...many(chunk({}), 63), says("hi"), stop))
    assert.strictEqual(verdict, "done")
  })

  it("more bytes than a preamble can have are no preamble", () => {
    const large = chunk({ role: "assistant", content: "" }, null, { padding: "x".repeat(100_000) })
    assertFailed("malformed_response", [...many(large, 11), says("hi"), stop, done], "")
  })

  it("comments are not held, however many there are", () => {
    const { released } = run([...many(comment, 10_000), role, says("hi"), stop, done])
    assert.strictEqual(released, join(role, says("hi"), stop))
  })
})

describe("the end of a stream", () => {
  it("is clean at [DONE], which is not released, and nothing after it counts", () => {
    const machine = newMachine()
    const released = machine.push(Buffer.concat([hi, stop, done, says("more")]))
    assert.strictEqual(join(...released), join(hi, stop))
    assert.deepStrictEqual([machine.verdict, machine.push(says("late")), machine.end()], ["done", [], []])
  })

  it("is clean when the connection closes after the finish", () => {
    assert.deepInclude(run([hi, stop]), { verdict: "done", released: join(hi, stop) })
  })

  it("is clean when only the last blank line is missing", () => {
    const text = join(hi, stop, done)
    assert.deepInclude(run([Buffer.from(text.trimEnd())]), { verdict: "done", released: join(hi, stop) })
    const unfinished = join(hi, stop).trimEnd()
    assert.deepInclude(run([Buffer.from(unfinished)]), { verdict: "done", released: join(hi, stop) })
  })

  it("is a failure when the connection closes before the finish", () => {
    assertFailed("malformed_response", [hi], join(hi))
    assertFailed("malformed_response", [role], "")
    assertFailed("malformed_response", [], "")
  })

  it("is a failure while one of several choices has not finished", () => {
    const first = chunk({ role: "assistant", content: "a" })
    const stopped = chunk({}, "stop", {}, 1)
    assert.isFalse(run([first, second, stop], { ends: false }).finished)
    assertFailed("malformed_response", [first, second, stop], join(first, second, stop))
    assertFailed("malformed_response", [second, first, stopped], join(second, first, stopped))
    assert.deepInclude(run([second, first, stopped, stop]), { verdict: "done", finished: true })
  })

  it("never shows the caller half a frame", () => {
    for (const rest of ['data: {"choices":[{"delta":{"content":"x', 'data: {"choices":[{"delta":{"content":"x"}}']) {
      assertFailed("malformed_response", [hi, Buffer.from(rest)], join(hi))
    }
  })

  it("is a failure at [DONE] when nothing was said", () => {
    assertFailed("malformed_response", [role, done], "")
    assertFailed("malformed_response", [usageOnly, done], "")
  })

  it("is a failure when a frame never ends", () => {
    assertFailed("malformed_response", [hi, Buffer.alloc(5 * 1024 * 1024, "x")], "")
  })
})

describe("an error in a stream", () => {
  const error = { message: "Overloaded", type: "server_error", code: 503 }
  const errors: Readonly<Record<string, readonly [string, Buffer]>> = {
    "without choices": ["provider_unavailable", frame({ error })],
    "beside choices (OpenRouter)": ["provider_unavailable", chunk({ content: "" }, "error", { error })],
    "that is a text": ["provider_unavailable", frame({ error: "out of memory" })],
    "with a meaning": ["rate_limit", frame({ error: { message: "slow down", code: "rate_limit_exceeded" } })],
    "in a list (Gemini)": [
      "provider_unavailable",
      frame([{ error: { code: 503, status: "UNAVAILABLE", message: "no" } }])
    ],
    "in Cloudflare's words": [
      "provider_unavailable",
      frame({ success: false, errors: [{ code: 5023, message: "no" }] })
    ],
    "told by its event": ["provider_unavailable", Buffer.from('event: error\ndata: {"message":"Overloaded"}\n\n')],
    "whose event is named last": [
      "provider_unavailable",
      Buffer.from('data: {"message":"Overloaded"}\nevent: error\n\n')
    ],
    "whose event has no JSON": ["provider_unavailable", Buffer.from("event: error\ndata: Overloaded\n\n")],
    "that is only a finish_reason": ["provider_unavailable", chunk({}, "error")],
    "of its choice alone": [
      "rate_limit",
      frame({ choices: [{ index: 0, delta: {}, finish_reason: "error", error: { message: "slow down", code: 429 } }] })
    ],
    "that DeepSeek has no machines for": ["provider_unavailable", chunk({}, "insufficient_system_resource")],
    "that vLLM gave up": ["provider_unavailable", chunk({}, "abort")]
  }
  for (const [how, [category, each]] of Object.entries(errors)) {
    it(`${how} fails it, before and after its first output`, () => {
      assertFailed(category, [role, each], "")
      assertFailed(category, [role, says("hi"), each, stop, done], join(role, says("hi")))
    })
  }

  it("is none where a chunk's error member is empty", () => {
    const empty = ["", null, {}, false].map((value) => chunk({ content: "x" }, null, { error: value }))
    const kept = empty.map(() => says("x"))
    assert.deepInclude(run([role, ...empty, stop, done]), { verdict: "done", released: join(role, ...kept, stop) })
  })
})

describe("a stream is complete", () => {
  const complete = (...frames: ReadonlyArray<Buffer>) => {
    const made = newMachine()
    made.push(Buffer.concat(frames))
    return made.complete
  }

  it("when each choice says why it ended, whatever comes behind", () => {
    assert.isTrue(complete(role, says("hi"), stop, usageOnly, done))
    assert.isTrue(complete(role, says("hi"), chunk({}, "length"), done))
    assert.isTrue(complete(role, says("hi"), chunk({}, "eos"), done))
    assert.isFalse(complete(role, says("hi")))
    assert.isFalse(complete(role, says("hi"), done))
    assert.isFalse(complete(role, says("hi"), chunk({ content: "ho" }, null, {}, 1), stop, done))
  })

  it("not when one was cut, though others were not, nor when nobody knows its word", () => {
    for (const word of ["content_filter", "sensitive", "refusal", "of_old_age"]) {
      assert.isFalse(complete(role, says("hi"), chunk({}, word, {}, 1), says("ho"), stop, done), word)
    }
  })
})

describe("frames that nobody can read", () => {
  it("are left out, and the stream goes on", () => {
    const broken = [
      "data: {\n\n",
      "data: ping\n\n",
      "data: 1\n\n",
      'data: {"choices":[{"index":0\n\n',
      "data:\n\n",
      'event: x\ndata: {"choices":[{]}\n\n'
    ]
    const frames = broken.flatMap((each) => [Buffer.from(each), says("x")])
    const kept = [...broken.map(() => says("x")), stop]
    assert.deepInclude(run([role, ...frames, stop, done]), { verdict: "done", released: join(role, ...kept) })
  })
})

describe("comments", () => {
  it("are dropped before the first output and passed on after it", () => {
    const { released } = run([comment, role, comment, says("hi"), comment, stop, done])
    assert.strictEqual(released, join(role, says("hi"), comment, stop))
  })
})

describe("usage", () => {
  const read = { input: 3, cacheRead: 0, cacheWrite: 0, output: 2, reasoning: 0 }
  const places: Readonly<Record<string, ReadonlyArray<Buffer>>> = {
    "after the finish, alone": [hi, stop, usageOnly, done],
    "in the chunk that finishes": [hi, chunk({}, "stop", { usage: tokens }), done],
    "in every chunk, growing": [
      chunk({ content: "h" }, null, { usage: { ...tokens, completion_tokens: 1, total_tokens: 4 } }),
      chunk({ content: "i" }, "stop", { usage: tokens }),
      done
    ],
    "in Groq's own member": [hi, chunk({}, "stop", { x_groq: { id: "req", usage: tokens } }), done],
    "before the finish": [hi, usageOnly, stop, done],
    "without [DONE] after it": [hi, stop, usageOnly]
  }
  for (const [where, frames] of Object.entries(places)) {
    it(`is read ${where}`, () => {
      assert.deepInclude(run(frames), { verdict: "done", usage: read })
    })
  }

  it("is kept of a stream that breaks after it", () => {
    assert.deepInclude(run([hi, usageOnly]), { verdict: "failed", usage: read })
  })

  it("comes with OpenRouter's own price", () => {
    const { reportedCost, usage } = run([hi, stop, frame({ choices: [], usage: { ...tokens, cost: 0.00041 } })])
    assert.deepStrictEqual([toUsd(reportedCost ?? assert.fail()), total(usage ?? assert.fail())], ["0.00041", 5])
  })

  it("names the model that answered, which Azure's first chunk leaves empty", () => {
    const first = frame({ choices: [], model: "", prompt_filter_results: [] })
    assert.strictEqual(run([first, hi, stop, done]).model, "m-1")
  })
})

describe("usage that the caller did not ask for", () => {
  const nulls = { usage: null }

  it("is not shown, and read all the same", () => {
    const { released, usage } = run([hi, stop, usageOnly, done], { hidesUsage: true })
    assert.deepStrictEqual([released, total(usage ?? assert.fail())], [join(hi, stop), 5])
  })

  it("leaves no null behind, whatever the spacing and the place", () => {
    const choice = { index: 0, delta: { role: "assistant", content: "a" }, finish_reason: null }
    const plain = JSON.stringify({ choices: [choice], model: "m" })
    const written = [
      plain.replace("{", '{"usage":null,'),
      plain.replace("{", '{"usage": null, '),
      plain.replace(/\}$/, ',"usage":null}'),
      plain.replace(/\}$/, ', "usage" : null }')
    ]
    for (const before of [[], [role, says("x")]]) {
      for (const text of written) {
        const { released } = run([...before, Buffer.from(`data: ${text}\n\n`), stop, done], { hidesUsage: true })
        assert.notInclude(released, "usage")
        assert.include(released, `"choices":${JSON.stringify([choice])}`)
        assert.strictEqual(textOf(Buffer.from(released)), before.length === 0 ? "a" : "xa")
      }
    }
  })

  it("is all that is taken out", () => {
    const kept = [
      role,
      chunk({ content: ',"usage":null' }),
      chunk({ content: "x" }, null, { x_groq: { usage: null } }),
      chunk({ content: "x", usage: null }),
      chunk({}, "stop", { x_groq: { usage: null }, usage: tokens })
    ]
    assert.strictEqual(run([...kept, done], { hidesUsage: true }).released, join(...kept))
    const both = chunk({ content: ',"usage":null' }, null, nulls)
    assert.strictEqual(
      run([role, both, stop, done], { hidesUsage: true }).released,
      join(role, chunk({ content: ',"usage":null' }), stop)
    )
  })

  it("stays where the caller asked", () => {
    const frames = [role, chunk({ content: "a" }, null, nulls), stop, usageOnly]
    assert.strictEqual(run([...frames, done]).released, join(...frames))
  })
})

describe("words that mean something to a stream", () => {
  const words = [
    '"usage"',
    '"error"',
    "[DONE]",
    '"finish_reason":"stop"',
    '"choices":[]',
    "data: [DONE]\n\n",
    '"index":1'
  ]

  it("mean nothing inside a text", () => {
    for (const word of words) {
      const frames = [role, says(word), says(`x${word}y`), chunk({ reasoning: word }), chunk({ refusal: word })]
      assert.deepInclude(run([...frames, stop, done]), {
        verdict: "done",
        usage: undefined,
        released: join(...frames, stop)
      })
    }
  })

  it("mean nothing as a whole text or as a key of a tool's arguments", () => {
    const frames = ["error", "usage", "finish_reason", "delta", "[DONE]"].flatMap((word, index) => [
      says(word),
      chunk({ content: "x", [word]: { message: "m" } }),
      chunk({
        tool_calls: [
          {
            index,
            id: `call_${index}`,
            type: "function",
            function: { name: word, arguments: JSON.stringify({ [word]: word }) }
          }
        ]
      })
    ])
    assert.deepInclude(run([role, ...frames, stop, done]), {
      verdict: "done",
      usage: undefined,
      released: join(role, ...frames, stop)
    })
  })
})

describe("what a stream has said when its caller is gone", () => {
  it("is counted to the character, also where all of its pieces are of one length", () => {
    const pieces = Array.from({ length: 40 }, () => "eight of")
    const machine = newMachine()
    for (const each of [role, ...pieces.map(says)]) machine.push(each)
    assert.strictEqual(machine.said, 40 * 8)
  })

  it("is nothing before its first words", () => {
    const machine = newMachine()
    machine.push(role)
    assert.strictEqual(machine.said, 0)
  })
})
