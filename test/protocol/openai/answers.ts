import * as AnswerIn from "../../../src/protocol/openai/AnswerIn.js"
import * as Repair from "../../../src/protocol/openai/Repair.js"
import * as StreamIn from "../../../src/protocol/openai/StreamIn.js"
import type { JsonObject } from "../../../src/protocol/Dialects.js"
import * as Json from "../../../src/protocol/Json.js"
import { answering } from "../../support/machine.js"
import { incoming } from "../../support/turns.js"

const base = { id: "chatcmpl-1", created: 1, model: "m-1" }

const usage = {
  prompt_tokens: 3,
  completion_tokens: 2,
  total_tokens: 5,
  prompt_tokens_details: { cached_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0 }
}

const call = { id: "call_a", type: "function", function: { name: "f", arguments: '{"a":1}' } }

/** A whole answer, of OpenAI's very shape. */
export const answer = {
  ...base,
  object: "chat.completion",
  choices: [
    { index: 0, message: { role: "assistant", content: "hi", refusal: null }, logprobs: null, finish_reason: "stop" }
  ],
  usage
}

/** One that calls a tool. */
export const callingAnswer = {
  ...answer,
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: null, refusal: null, tool_calls: [call] },
      logprobs: null,
      finish_reason: "tool_calls"
    }
  ]
}

const chunk = (delta: object, finish: string | null = null) => ({
  ...base,
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  usage: null
})

/** A stream, of OpenAI's very shape. */
export const stream = [
  chunk({ role: "assistant", content: "", refusal: null }),
  chunk({ content: "hi" }),
  chunk({}, "stop"),
  { ...chunk({}), choices: [], usage }
]

/** One that calls a tool. */
export const callingStream = [
  chunk({
    role: "assistant",
    content: null,
    tool_calls: [{ index: 0, id: "call_a", type: "function", function: { name: "f", arguments: "" } }]
  }),
  chunk({ tool_calls: [{ index: 0, function: { arguments: '{"a":' } }] }),
  chunk({ tool_calls: [{ index: 0, function: { arguments: "1}" } }] }),
  chunk({}, "tool_calls")
]

/** Stands for a member that is not there. */
export const gone = Symbol("gone")

/** The value with something else at a path, as `choices.0.index`. */
export const put = (value: unknown, path: string, to: unknown): unknown => {
  const [key = "", ...rest] = path.split(".")
  const inner = (old: unknown) => (rest.length === 0 ? to : put(old, rest.join("."), to))
  if (Array.isArray(value)) return value.map((item: unknown, at) => (at === Number(key) ? inner(item) : item))
  const { [key]: old, ...others } = Json.record(value)
  const changed = inner(old)
  return changed === gone ? others : { ...others, [key]: changed }
}

/** A vendor's answer as a caller gets it. */
export const repaired = (json: JsonObject, realm = "here"): JsonObject =>
  Repair.answer(json, AnswerIn.decode(json, { ...incoming(), realm })?.events ?? [], answering({ realm }))

/** A vendor's chunks as a caller gets them. */
export const repairedAll = (chunks: ReadonlyArray<unknown>, realm = "here"): ReadonlyArray<JsonObject> => {
  const { read } = StreamIn.reader({ ...incoming(), realm })
  const repair = new Repair.Chunks(answering({ realm }))
  return chunks.map((each) => {
    const reading = read(JSON.stringify(each), undefined)
    return repair.repair(Json.record(each), reading?.events ?? [])
  })
}
