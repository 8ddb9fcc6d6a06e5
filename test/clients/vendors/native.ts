import { data, line } from "../../recorded/composing.js"
import { anthropic } from "../rules/anthropic.js"
import { gemini } from "../rules/gemini.js"
import { ollama } from "../rules/ollama.js"
import { sign } from "../rules/signatures.js"
import { workersAi } from "../rules/workersAi.js"
import { answer, calls, saying, thought } from "../loops/task.js"
import { instanceOf, type Answer, type Vendor } from "./Vendor.js"

// ---------------------------------------------------------------------------------------------- Anthropic

const claude = "claude-sonnet-4-5-20250929"

const event = (type: string, members: object): string => `event: ${type}\n${data({ type, ...members })}`

const block = (index: number, content_block: object, ...deltas: ReadonlyArray<object>): string =>
  [
    event("content_block_start", { index, content_block }),
    ...deltas.map((delta) => event("content_block_delta", { index, delta })),
    event("content_block_stop", { index })
  ].join("")

const message = (content: ReadonlyArray<object>, stop_reason: string, ...blocks: ReadonlyArray<string>): Answer => {
  const about = { id: "msg_7", type: "message", role: "assistant", model: claude, stop_sequence: null }
  const usage = { input_tokens: 90, output_tokens: 30 }
  return {
    whole: { ...about, content, stop_reason, usage },
    stream: [
      event("message_start", { message: { ...about, content: [], stop_reason: null, usage } }),
      ...blocks,
      event("message_delta", { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 30 } }),
      event("message_stop", {})
    ]
  }
}

const redacted = { type: "redacted_thinking", data: sign("anthropic", "redacted") }
const signature = sign("anthropic", thought)

const uses = calls.map(({ arguments: input, name }, at) => ({
  type: "tool_use",
  id: `toolu_01${at}aVq7RtKmXw5ZsB3nHcJd`,
  name,
  input
}))

const anthropicVendor: Vendor = {
  name: "anthropic",
  instance: instanceOf("anthropic"),
  model: claude,
  rules: anthropic,
  signatures: [signature, redacted.data],
  calling: message(
    [{ type: "thinking", thinking: thought, signature }, redacted, { type: "text", text: saying }, ...uses],
    "tool_use",
    block(
      0,
      { type: "thinking", thinking: "", signature: "" },
      { type: "thinking_delta", thinking: thought.slice(0, 5) },
      { type: "thinking_delta", thinking: thought.slice(5) },
      { type: "signature_delta", signature }
    ),
    block(1, redacted),
    block(2, { type: "text", text: "" }, { type: "text_delta", text: saying }),
    ...uses.map((use, at) =>
      block(
        3 + at,
        { ...use, input: {} },
        { type: "input_json_delta", partial_json: "" },
        { type: "input_json_delta", partial_json: JSON.stringify(use.input) }
      )
    )
  ),
  answering: message(
    [{ type: "text", text: answer }],
    "end_turn",
    block(0, { type: "text", text: "" }, { type: "text_delta", text: answer })
  )
}

// ---------------------------------------------------------------------------------------------- Gemini

const generated = (parts: ReadonlyArray<object>, finishReason?: string) => ({
  candidates: [
    { index: 0, content: { role: "model", parts }, ...(finishReason === undefined ? {} : { finishReason }) }
  ],
  usageMetadata: { promptTokenCount: 90, candidatesTokenCount: 30, totalTokenCount: 120 },
  modelVersion: "gemini-3-pro-preview",
  responseId: "r7"
})

const candidate = (parts: ReadonlyArray<object>): Answer => ({
  whole: generated(parts, "STOP"),
  stream: [...parts.map((part) => data(generated([part]))), data(generated([{ text: "" }], "STOP"))]
})

/** Of parallel calls the first is signed. */
const signedCalls = calls.map(({ arguments: args, name }, at) => ({
  functionCall: { name, args },
  ...(at === 0 ? { thoughtSignature: sign("gemini", name) } : {})
}))

const geminiVendor: Vendor = {
  name: "gemini",
  instance: instanceOf("gemini"),
  model: "gemini-3-pro-preview",
  rules: gemini,
  signatures: signedCalls.flatMap(({ thoughtSignature }) => thoughtSignature ?? []),
  calling: candidate([{ text: thought, thought: true }, { text: saying }, ...signedCalls]),
  answering: candidate([{ text: answer }])
}

// ---------------------------------------------------------------------------------------------- Ollama

const llama = "qwen3-vl:8b"

const spoken = (said: object) => ({
  model: llama,
  created_at: "2026-01-01T00:00:00Z",
  message: { role: "assistant", content: "", ...said }
})

const over = { done: true, done_reason: "stop", prompt_eval_count: 90, eval_count: 30 }

const toolCalls = calls.map(({ arguments: args, name }) => ({ function: { name, arguments: args } }))

const ollamaVendor: Vendor = {
  name: "ollama",
  instance: instanceOf("ollama", "ollama"),
  model: llama,
  rules: ollama,
  signatures: [],
  calling: {
    whole: { ...spoken({ thinking: thought, content: saying, tool_calls: toolCalls }), ...over },
    stream: [
      line({ ...spoken({ thinking: thought }), done: false }),
      line({ ...spoken({ content: saying }), done: false }),
      ...toolCalls.map((call) => line({ ...spoken({ tool_calls: [call] }), done: false })),
      line({ ...spoken({}), ...over })
    ]
  },
  answering: {
    whole: { ...spoken({ content: answer }), ...over },
    stream: [line({ ...spoken({ content: answer }), done: false }), line({ ...spoken({}), ...over })]
  }
}

// ---------------------------------------------------------------------------------------------- Workers AI

const used = { usage: { prompt_tokens: 90, completion_tokens: 30, total_tokens: 120 } }

const enveloped = (result: object) => ({ result: { ...result, ...used }, success: true, errors: [], messages: [] })

const streamed = (...frames: ReadonlyArray<object>): ReadonlyArray<string> => [
  ...frames.map((frame) => data({ response: "", ...frame })),
  data({ response: "", ...used }),
  "data: [DONE]\n\n"
]

const workersAiVendor: Vendor = {
  name: "workers-ai",
  instance: instanceOf("cloudflare", "workers-ai", "account"),
  model: "@cf/meta/llama-4-scout-17b-16e-instruct",
  rules: workersAi,
  signatures: [],
  calling: {
    whole: enveloped({ response: saying, tool_calls: calls }),
    stream: streamed({ response: saying }, { tool_calls: calls })
  },
  answering: { whole: enveloped({ response: answer }), stream: streamed({ response: answer }) }
}

/** Vendors with dialects of their own. */
export const native: ReadonlyArray<Vendor> = [anthropicVendor, geminiVendor, ollamaVendor, workersAiVendor]
