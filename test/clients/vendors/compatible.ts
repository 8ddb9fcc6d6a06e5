import { data } from "../../recorded/composing.js"
import * as Rules from "../rules/closed.js"
import { deepseek, moonshot } from "../rules/deepseek.js"
import { mistral } from "../rules/mistral.js"
import { openai } from "../rules/openai.js"
import { openrouter } from "../rules/openrouter.js"
import { sign } from "../rules/signatures.js"
import { answer, calls, saying, thought } from "../loops/task.js"
import { instanceOf, type Answer, type Vendor } from "./Vendor.js"

/** How a vendor of OpenAI's dialect differs from the others in what it says. */
interface Speech extends Pick<Vendor, "name" | "model" | "rules"> {
  readonly provider: Vendor["instance"]["provider"]
  readonly ids: ReadonlyArray<string>
  /** Members of a message, or of a delta, that hold the thought. */
  readonly thinking?: object
  /** Pieces of the thought as they are streamed, where they are not the same as the whole. */
  readonly pieces?: ReadonlyArray<object>
  /** Pieces of calls have no index. */
  readonly unnumbered?: true
  readonly signatures?: ReadonlyArray<string>
  /** The content of the message that calls, where it is no text. */
  readonly content?: unknown
}

const usage = { prompt_tokens: 90, completion_tokens: 30, total_tokens: 120 }

const around = { id: "chatcmpl-7", created: 1_790_000_000 }

const whole = (model: string, message: object, finish_reason: string) => ({
  ...around,
  object: "chat.completion",
  model,
  choices: [{ index: 0, message: { role: "assistant", ...message }, logprobs: null, finish_reason }],
  usage
})

const stream = (model: string, deltas: ReadonlyArray<object>, finish_reason: string): ReadonlyArray<string> => {
  const chunk = { ...around, object: "chat.completion.chunk", model }
  const frame = (delta: object, reason: string | null) =>
    data({ ...chunk, choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }] })
  return [
    frame({ role: "assistant", content: "" }, null),
    ...deltas.map((delta) => frame(delta, null)),
    frame({}, finish_reason),
    data({ ...chunk, choices: [], usage }),
    "data: [DONE]\n\n"
  ]
}

const calling = ({ content, ids, model, pieces, thinking, unnumbered }: Speech): Answer => {
  const called = calls.map(({ arguments: args, name }, at) => ({
    id: ids[at],
    type: "function",
    function: { name, arguments: JSON.stringify(args) }
  }))
  const piecesOf = (call: (typeof called)[number], index: number): ReadonlyArray<object> => {
    if (unnumbered) return [{ tool_calls: [call] }]
    const { arguments: args, name } = call.function
    const half = Math.ceil(args.length / 2)
    return [
      { tool_calls: [{ index, ...call, function: { name, arguments: "" } }] },
      { tool_calls: [{ index, function: { arguments: args.slice(0, half) } }] },
      { tool_calls: [{ index, function: { arguments: args.slice(half) } }] }
    ]
  }
  const thoughts = pieces ?? (thinking === undefined ? [] : [thinking])
  return {
    whole: whole(model, { content: content ?? saying, ...thinking, tool_calls: called }, "tool_calls"),
    stream: stream(model, [...thoughts, { content: saying }, ...called.flatMap(piecesOf)], "tool_calls")
  }
}

const vendor = (speech: Speech): Vendor => ({
  name: speech.name,
  model: speech.model,
  rules: speech.rules,
  signatures: speech.signatures ?? [],
  instance: instanceOf(speech.provider),
  calling: calling(speech),
  answering: {
    whole: whole(speech.model, { content: answer }, "stop"),
    stream: stream(
      speech.model,
      answer.split(/(?= )/).map((content) => ({ content })),
      "stop"
    )
  }
})

const usual = ["call_Zt5qbmJ1MGuSuG0gAzRVjCSr", "call_XSH3bTsT8oSC2yX5e9JLCc6q", "call_1pV4x9jKqWc0sGd7bLmTnRfY"]

const half = Math.ceil(thought.length / 2)
const halves = [thought.slice(0, half), thought.slice(half)]

const detail = { type: "reasoning.text", format: "anthropic-claude-v1", index: 0 }

/** Vendors that speak OpenAI's dialect. */
export const compatible: ReadonlyArray<Vendor> = [
  vendor({ name: "openai", provider: "openai", model: "gpt-5-mini", rules: openai, ids: usual }),
  vendor({
    name: "deepseek",
    provider: "deepseek",
    model: "deepseek-v4-flash-vision-exp",
    rules: deepseek,
    ids: ["call_00_1Xk9aP0vQ", "call_01_7Yh2bR4wS", "call_02_3Zj6cT8xU"],
    thinking: { reasoning_content: thought },
    pieces: halves.map((text) => ({ content: null, reasoning_content: text }))
  }),
  vendor({
    name: "moonshot",
    provider: "moonshot",
    model: "kimi-k2.6",
    rules: moonshot,
    ids: calls.map(({ name }, at) => `functions.${name}:${at}`),
    thinking: { reasoning_content: thought },
    pieces: halves.map((text) => ({ reasoning_content: text }))
  }),
  vendor({
    name: "mistral",
    provider: "mistral",
    model: "magistral-medium-latest",
    rules: mistral,
    ids: ["D681PevKs", "4Ktr9xWqZ", "b2N8sVmYc"],
    content: [
      { type: "thinking", thinking: [{ type: "text", text: thought }] },
      { type: "text", text: saying }
    ],
    pieces: halves.map((text) => ({ content: [{ type: "thinking", thinking: [{ type: "text", text }] }] })),
    unnumbered: true
  }),
  vendor({
    name: "groq",
    provider: "groq",
    model: "qwen/qwen3-32b",
    rules: Rules.groq,
    ids: ["call_d5wg", "fc_9a1bXkQ2", "call_7hq2"],
    thinking: { reasoning: thought },
    pieces: halves.map((text) => ({ reasoning: text }))
  }),
  vendor({
    name: "cerebras",
    provider: "cerebras",
    model: "zai-glm-4.7",
    rules: Rules.cerebras,
    ids: ["1f0c3e9a2", "8b7d6c5e4", "0a9b8c7d6"],
    thinking: { reasoning: thought },
    pieces: halves.map((text) => ({ reasoning: text }))
  }),
  vendor({
    name: "openrouter",
    provider: "openrouter",
    model: "anthropic/claude-sonnet-4.5",
    rules: openrouter,
    signatures: [sign("openrouter", thought)],
    ids: ["toolu_01EqvTXHZqLhVCTeV7KBMMWK", "toolu_01Q8zVXy4h2sJ9kLmN0pRtUv", "toolu_01W3xYz5AbCdEfGhJkLmNpQr"],
    thinking: {
      reasoning: thought,
      reasoning_details: [{ ...detail, text: thought, signature: sign("openrouter", thought) }]
    },
    pieces: [
      ...halves.map((text) => ({ reasoning: text, reasoning_details: [{ ...detail, text }] })),
      { content: "", reasoning_details: [{ ...detail, signature: sign("openrouter", thought) }] }
    ]
  })
]
