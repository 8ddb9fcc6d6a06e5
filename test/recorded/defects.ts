import type { Case } from "./cases.js"
import { data, stream, whole } from "./composing.js"

const openai = "openai-chat"

// What is spoilt is JSON of somebody else: it has no type that holds.
type Json = ReturnType<typeof JSON.parse>

const usage = () => ({ prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 })

const call = (id = "c1") => ({ id, type: "function", function: { name: "f", arguments: '{"x":1}' } })

const around = { id: "1", created: 1, model: "m-1" }

const answer = (message: object, finish_reason: string): Json => ({
  ...around,
  object: "chat.completion",
  choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason, logprobs: null }],
  usage: usage()
})

const chunk = (delta: object, finish_reason: string | null = null): Json => ({
  ...around,
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta, finish_reason }]
})

const text = (name: string, spoil: (answer: Json, choice: Json, message: Json) => void): Case =>
  spoilt(name, answer({ content: "Grüße, 世界" }, "stop"), spoil)

const called = (name: string, spoil: (answer: Json, choice: Json, message: Json) => void): Case =>
  spoilt(name, answer({ content: null, tool_calls: [call()] }, "tool_calls"), spoil)

const spoilt = (name: string, good: Json, spoil: (answer: Json, choice: Json, message: Json) => void): Case => {
  spoil(good, good.choices[0], good.choices[0].message)
  return whole(openai, `answer with ${name}`, good)
}

/** Role, two words, finish, usage. */
const texts = (name: string, spoil: (chunks: Array<Json>, deltas: Array<Json>) => ReadonlyArray<Json> | void): Case =>
  frames(
    `stream with ${name}`,
    [
      chunk({ role: "assistant", content: "" }),
      chunk({ content: "Grüße, " }),
      chunk({ content: "世界" }),
      chunk({}, "stop"),
      { ...chunk({}), choices: [], usage: usage() }
    ],
    spoil
  )

/** Role, the head of a call, its arguments, finish. */
const calling = (name: string, spoil: (chunks: Array<Json>, calls: Array<Json>) => ReadonlyArray<Json> | void): Case =>
  frames(
    `stream of a call with ${name}`,
    [
      chunk({ role: "assistant", content: null }),
      chunk({ tool_calls: [{ index: 0, ...call(), function: { name: "f", arguments: "" } }] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: '{"x":1}' } }] }),
      chunk({}, "tool_calls")
    ],
    (chunks) =>
      spoil(
        chunks,
        chunks.flatMap(({ choices }) => choices[0].delta.tool_calls ?? [])
      )
  )

const frames = (
  name: string,
  good: Array<Json>,
  spoil: (chunks: Array<Json>, deltas: Array<Json>) => ReadonlyArray<Json> | void
): Case => {
  const deltas = good.flatMap(({ choices }) => choices.map(({ delta }: Json) => delta))
  const left = spoil(good, deltas) ?? good
  return stream(openai, name, [...left.map(data), "data: [DONE]\n\n"])
}

const each = (values: ReadonlyArray<Json>, fields: object): void => {
  for (const value of values) Object.assign(value, fields)
}

const drop = (values: ReadonlyArray<Json>, key: string): void => {
  for (const value of values) delete value[key]
}

const annotation = { type: "url_citation", url_citation: { url: "http://127.0.0.1/", title: "t" } }
const file = { type: "file", file: { hash: "h", name: "n", content: [] } }

/** Good answers in OpenAI's dialect with one thing amiss each that some vendor has amiss and some client refuses. */
export const defects: ReadonlyArray<Case> = [
  text("no index", (_, choice) => drop([choice], "index")),
  text("a null index", (_, choice) => each([choice], { index: null })),
  text("no finish", (_, choice) => drop([choice], "finish_reason")),
  text("a null finish", (_, choice) => each([choice], { finish_reason: null })),
  text("an empty finish", (_, choice) => each([choice], { finish_reason: "" })),
  text("a finish of its own", (_, choice) => each([choice], { finish_reason: "eos" })),
  text("no role", (_, __, message) => drop([message], "role")),
  text("a null role", (_, __, message) => each([message], { role: null })),
  text("a role of its own", (_, __, message) => each([message], { role: "model" })),
  text("content in parts", (_, __, message) => each([message], { content: [{ type: "text", text: "Grüße, 世界" }] })),
  text("null tool calls", (_, __, message) => each([message], { tool_calls: null })),
  text("an empty list of tool calls", (_, __, message) => each([message], { tool_calls: [] })),
  text("an empty function call", (_, __, message) => each([message], { function_call: { name: "", arguments: "" } })),
  text("null reasoning", (_, __, message) => each([message], { reasoning: null, reasoning_content: null })),
  text("reasoning in parts", (_, __, message) =>
    each([message], { reasoning_content: [{ type: "text", text: "hm" }] })
  ),
  text("annotations of a file", (_, __, message) => each([message], { annotations: [file] })),
  text("citations without a place", (_, __, message) => each([message], { annotations: [annotation] })),
  text("annotations that are no list", (_, __, message) => each([message], { annotations: {} })),
  text("empty logprobs", (_, choice) => each([choice], { logprobs: {} })),
  text("logprobs of the legacy API", (_, choice) =>
    each([choice], { logprobs: { tokens: ["a"], token_logprobs: [-1] } })
  ),
  text("logprobs without alternatives", (_, choice) =>
    each([choice], { logprobs: { content: [{ token: "a", logprob: -1 }] } })
  ),
  text("a null usage", (all) => each([all], { usage: null })),
  text("an empty usage", (all) => each([all], { usage: {} })),
  text("a usage without a total", (all) => drop([all.usage], "total_tokens")),
  text("a usage in strings", (all) =>
    each([all], { usage: { prompt_tokens: "9", completion_tokens: "5", total_tokens: "14" } })
  ),
  text("null details of usage", (all) => each([all.usage], { prompt_tokens_details: { cached_tokens: null } })),
  text("details of usage that leave out what matters", (all) =>
    each([all.usage], { prompt_tokens_details: { audio_tokens: 0 }, completion_tokens_details: { audio_tokens: 0 } })
  ),
  text("no id", (all) => drop([all], "id")),
  text("a null id", (all) => each([all], { id: null })),
  text("a number for an id", (all) => each([all], { id: 7 })),
  text("no model and no object", (all) => ["model", "object"].forEach((key) => drop([all], key))),
  text("a null model", (all) => each([all], { model: null })),
  text("a string for a time", (all) => each([all], { created: "1" })),
  text("a time in ms", (all) => each([all], { created: 1e13 })),
  text("a null error", (all) => each([all], { error: null })),
  text("a null provider", (all) => each([all], { provider: null })),
  text("a null choice besides", (all) => all.choices.push(null)),
  called("no type", (_, __, message) => drop(message.tool_calls, "type")),
  called("a null type", (_, __, message) => each(message.tool_calls, { type: null })),
  called("no id of the call", (_, __, message) => drop(message.tool_calls, "id")),
  called("an empty id of the call", (_, __, message) => each(message.tool_calls, { id: "" })),
  called("a number for an id of the call", (_, __, message) => each(message.tool_calls, { id: 5 })),
  called("arguments that are an object", (_, __, message) =>
    each([message.tool_calls[0].function], { arguments: { x: 1 } })
  ),
  called("empty arguments", (_, __, message) => each([message.tool_calls[0].function], { arguments: "" })),
  called("null arguments", (_, __, message) => each([message.tool_calls[0].function], { arguments: null })),
  called("no arguments", (_, __, message) => drop([message.tool_calls[0].function], "arguments")),
  called("an empty finish", (_, choice) => each([choice], { finish_reason: "" })),
  called("a finish that does not say so", (_, choice) => each([choice], { finish_reason: "stop" })),

  texts("no role", (chunks) => chunks.slice(1)),
  texts("null roles", (_, deltas) => each(deltas, { role: null })),
  texts("an empty role later", (_, deltas) => each(deltas.slice(1), { role: "" })),
  texts("a null role later", (_, deltas) => each(deltas.slice(1), { role: null })),
  texts("a role in every chunk", (_, deltas) => each(deltas, { role: "assistant" })),
  texts("no index", (chunks) =>
    drop(
      chunks.flatMap(({ choices }) => choices),
      "index"
    )
  ),
  texts("no finish before the last", (chunks) =>
    drop(chunks.flatMap(({ choices }) => choices).slice(0, 3), "finish_reason")
  ),
  texts("empty finishes before the last", (chunks) =>
    each(chunks.flatMap(({ choices }) => choices).slice(0, 3), { finish_reason: "" })
  ),
  texts("a finish of its own", (chunks) => each([chunks[3].choices[0]], { finish_reason: "eos" })),
  texts("two finishes", (chunks) => [...chunks.slice(0, 4), ...chunks.slice(3)]),
  texts("no delta in the end", (chunks) => drop([chunks[3].choices[0]], "delta")),
  texts("a null delta in the end", (chunks) => each([chunks[3].choices[0]], { delta: null })),
  texts("no delta in the beginning", (chunks) => drop([chunks[0].choices[0]], "delta")),
  texts("content in parts", (_, deltas) => each([deltas[1]], { content: [{ type: "text", text: "Grüße, " }] })),
  texts("content in parts later", (_, deltas) => each([deltas[2]], { content: [{ type: "text", text: "世界" }] })),
  texts("null content besides", (_, deltas) => each([deltas[0], deltas[3]], { content: null })),
  texts("null tool calls", (_, deltas) => each(deltas, { tool_calls: null })),
  texts("empty lists of tool calls", (_, deltas) => each(deltas, { tool_calls: [] })),
  texts("annotations of a file", (_, deltas) => each([deltas[2]], { annotations: [file] })),
  texts("citations without a place", (_, deltas) => each([deltas[2]], { annotations: [annotation] })),
  texts("empty logprobs", (chunks) => each([chunks[1].choices[0], chunks[2].choices[0]], { logprobs: {} })),
  texts("logprobs without alternatives", (chunks) =>
    each([chunks[2].choices[0]], { logprobs: { content: [{ token: "a", logprob: -1 }] } })
  ),
  texts("text beside the delta", (chunks) => each([chunks[2].choices[0]], { text: "世界" })),
  texts("null usages", (chunks) => each(chunks.slice(0, 4), { usage: null })),
  texts("an empty usage", (chunks) => each([chunks[4]], { usage: {} })),
  texts("a usage without a total", (chunks) =>
    each([chunks[4]], { usage: { prompt_tokens: 9, completion_tokens: 5 } })
  ),
  texts("null details of usage", (chunks) =>
    each([chunks[4].usage], { prompt_tokens_details: { cached_tokens: null } })
  ),
  texts("no choices beside the usage", (chunks) => drop([chunks[4]], "choices")),
  texts("null choices beside the usage", (chunks) => each([chunks[4]], { choices: null })),
  texts("a chunk of nothing", ([first, ...rest]) => [first, {}, ...rest]),
  texts("a null choice", (chunks) => each([chunks[0]], { choices: [null] })),
  texts("null ids", (chunks) => each(chunks, { id: null })),
  texts("numbers for ids", (chunks) => each(chunks, { id: 7 })),
  texts("null models", (chunks) => each(chunks, { model: null })),
  texts("strings for times", (chunks) => each(chunks, { created: "1" })),
  texts("null errors", (chunks) => each(chunks, { error: null })),
  calling("no index", (_, calls) => drop(calls, "index")),
  calling("null indices", (_, calls) => each(calls, { index: null })),
  calling("indices from one", (_, calls) => each(calls, { index: 1 })),
  calling("no type", (_, calls) => drop(calls, "type")),
  calling("an empty type later", (_, calls) => each([calls[1]], { type: "" })),
  calling("a null type later", (_, calls) => each([calls[1]], { type: null })),
  calling("an empty name later", (_, calls) => each([calls[1].function], { name: "" })),
  calling("a repeated name", (_, calls) => each([calls[1].function], { name: "f" })),
  calling("no id", (_, calls) => drop(calls, "id")),
  calling("an empty id", (_, calls) => each(calls, { id: "" })),
  calling("a repeated id", (_, calls) => each(calls, { id: "c1" })),
  calling("another id later", (_, calls) => each([calls[1]], { id: "c2" })),
  calling("arguments that are an object", (_, calls) => each([calls[1].function], { arguments: { x: 1 } })),
  calling("null arguments in the beginning", (_, calls) => each([calls[0].function], { arguments: null })),
  calling("no arguments", (chunks) => chunks.filter((_, position) => position !== 2)),
  calling("the all call in its last chunk", () => [chunk({ role: "assistant", tool_calls: [call()] }, "tool_calls")]),
  calling("a finish that does not say so", (chunks) => each([chunks[3].choices[0]], { finish_reason: "stop" })),
  calling("no indices and two calls", ([first, , , last]) => [
    first,
    chunk({ tool_calls: [call("c1"), { ...call("c2"), function: { name: "g", arguments: "{}" } }] }),
    last
  ]),
  calling("one index for two calls", ([first, , , last]) => [
    first,
    chunk({ tool_calls: [{ index: 0, ...call("c1") }] }),
    chunk({ tool_calls: [{ index: 0, ...call("c2"), function: { name: "g", arguments: "{}" } }] }),
    last
  ])
]
