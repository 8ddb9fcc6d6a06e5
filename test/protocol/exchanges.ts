import type { ChatDialect } from "../../src/domain/Dialect.js"
import type { Usage } from "../../src/domain/Usage.js"
import * as Sse from "../../src/protocol/Sse.js"

/** One answer of a provider: whole, and as a stream. It thinks where the dialect can, says two words and calls two tools. */
export interface Exchange {
  readonly back: ChatDialect
  readonly frames: ReadonlyArray<Buffer>
  /** How many of the frames tell that the answer has ended; what follows may be missing. */
  readonly ending: number
  readonly whole: object
  readonly usage: Usage
  /** What the provider says when it breaks down. */
  readonly error: Buffer
}

const sse = (json: object | string): Buffer => Sse.encode(typeof json === "string" ? json : JSON.stringify(json))
const named = (json: { readonly type: string; readonly [member: string]: unknown }): Buffer =>
  Sse.encode(JSON.stringify(json), json.type)
const line = (json: object): Buffer => Buffer.from(`${JSON.stringify(json)}\n`)

const usage = (input: number, cacheRead: number, output: number, reasoning: number): Usage => ({
  input,
  cacheRead,
  cacheWrite: 0,
  output,
  reasoning
})

// ---------------------------------------------------------------------------------------------- OpenAI

const openAiUsage = {
  prompt_tokens: 9,
  completion_tokens: 7,
  total_tokens: 16,
  prompt_tokens_details: { cached_tokens: 2 },
  completion_tokens_details: { reasoning_tokens: 3 }
}

const chunk = (delta: object, finish_reason: string | null = null): Buffer =>
  sse({
    id: "x-1",
    object: "chat.completion.chunk",
    created: 7,
    model: "m-2",
    choices: [{ index: 0, delta, finish_reason }]
  })

const piece = (index: number, args: string, more: object = {}): Buffer =>
  chunk({ tool_calls: [{ index, ...more, function: { ...("id" in more ? { name: "look" } : {}), arguments: args } }] })

const openAi: Exchange = {
  back: "openai-chat",
  frames: [
    chunk({ role: "assistant", content: "" }),
    chunk({ reasoning_content: "hm" }),
    Buffer.from(": alive\n\n"),
    chunk({ content: "Hello" }),
    chunk({ content: " 世界" }),
    piece(0, "", { id: "c1", type: "function" }),
    piece(0, '{"at":'),
    piece(0, "1}"),
    piece(1, '{"at":2}', { id: "c2", type: "function" }),
    chunk({}, "tool_calls"),
    sse({ id: "x-1", object: "chat.completion.chunk", created: 7, model: "m-2", choices: [], usage: openAiUsage }),
    sse("[DONE]")
  ],
  ending: 10,
  whole: {
    id: "x-1",
    object: "chat.completion",
    created: 7,
    model: "m-2",
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: "Hello 世界",
          reasoning_content: "hm",
          tool_calls: [
            { id: "c1", type: "function", function: { name: "look", arguments: '{"at":1}' } },
            { id: "c2", type: "function", function: { name: "look", arguments: '{"at":2}' } }
          ]
        },
        finish_reason: "tool_calls"
      }
    ],
    usage: openAiUsage
  },
  usage: usage(7, 2, 4, 3),
  error: sse({ error: { message: "Overloaded", code: 503 } })
}

// ---------------------------------------------------------------------------------------------- Anthropic

const message = { id: "x-1", type: "message", role: "assistant", model: "m-2", stop_sequence: null }
const begun = { input_tokens: 7, cache_read_input_tokens: 2, cache_creation_input_tokens: 0, output_tokens: 1 }
const ended = { output_tokens: 7, output_tokens_details: { thinking_tokens: 3 } }

const block = (index: number, content_block: object, ...deltas: ReadonlyArray<object>): ReadonlyArray<Buffer> => [
  named({ type: "content_block_start", index, content_block }),
  ...deltas.map((delta) => named({ type: "content_block_delta", index, delta })),
  named({ type: "content_block_stop", index })
]

const anthropic: Exchange = {
  back: "anthropic-messages",
  frames: [
    named({ type: "message_start", message: { ...message, content: [], stop_reason: null, usage: begun } }),
    named({ type: "ping" }),
    ...block(
      0,
      { type: "thinking", thinking: "", signature: "" },
      { type: "thinking_delta", thinking: "hm" },
      { type: "signature_delta", signature: "sig" }
    ),
    ...block(
      1,
      { type: "text", text: "" },
      { type: "text_delta", text: "Hello" },
      { type: "text_delta", text: " 世界" }
    ),
    ...block(
      2,
      { type: "tool_use", id: "c1", name: "look", input: {} },
      { type: "input_json_delta", partial_json: '{"at":' },
      { type: "input_json_delta", partial_json: "1}" }
    ),
    ...block(
      3,
      { type: "tool_use", id: "c2", name: "look", input: {} },
      { type: "input_json_delta", partial_json: '{"at":2}' }
    ),
    named({ type: "message_delta", delta: { stop_reason: "tool_use", stop_sequence: null }, usage: ended }),
    named({ type: "message_stop" })
  ],
  ending: 18,
  whole: {
    ...message,
    content: [
      { type: "thinking", thinking: "hm", signature: "sig" },
      { type: "text", text: "Hello 世界" },
      { type: "tool_use", id: "c1", name: "look", input: { at: 1 } },
      { type: "tool_use", id: "c2", name: "look", input: { at: 2 } }
    ],
    stop_reason: "tool_use",
    usage: { ...begun, ...ended }
  },
  usage: usage(7, 2, 4, 3),
  error: named({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } })
}

// ---------------------------------------------------------------------------------------------- Gemini

const counted = {
  promptTokenCount: 9,
  cachedContentTokenCount: 2,
  candidatesTokenCount: 4,
  thoughtsTokenCount: 3,
  totalTokenCount: 16
}
const parts = [
  { text: "hm", thought: true },
  { text: "Hello" },
  { text: " 世界" },
  { functionCall: { id: "c1", name: "look", args: { at: 1 } }, thoughtSignature: "sig" },
  { functionCall: { id: "c2", name: "look", args: { at: 2 } } }
]
const candidate = (said: ReadonlyArray<object>, more: object = {}): object => ({
  candidates: [{ content: { role: "model", parts: said }, index: 0, ...more }],
  modelVersion: "m-2",
  responseId: "x-1",
  usageMetadata: counted
})

const gemini: Exchange = {
  back: "gemini",
  frames: [
    ...parts.map((said) => sse({ ...candidate([said]), usageMetadata: { promptTokenCount: 9 } })),
    sse(candidate([{ text: "" }], { finishReason: "STOP" }))
  ],
  ending: 6,
  whole: candidate(parts, { finishReason: "STOP" }),
  usage: usage(7, 2, 4, 3),
  error: sse({ error: { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" } })
}

// ---------------------------------------------------------------------------------------------- Workers AI

const flat = { prompt_tokens: 9, completion_tokens: 7, total_tokens: 16 }

const workersAi: Exchange = {
  back: "workers-ai",
  frames: [
    sse({ response: "Hello", p: "abc" }),
    sse({ response: " 世界", p: "ab" }),
    sse({ response: null, tool_calls: [{ name: "look", arguments: { at: 1 } }] }),
    sse({ tool_calls: [{ name: "look", arguments: { at: 2 } }] }),
    sse({ response: "", usage: flat }),
    sse("[DONE]")
  ],
  ending: 6,
  whole: {
    result: {
      response: "Hello 世界",
      tool_calls: [
        { name: "look", arguments: { at: 1 } },
        { name: "look", arguments: { at: 2 } }
      ],
      usage: flat
    },
    success: true,
    errors: [],
    messages: []
  },
  usage: usage(9, 0, 7, 0),
  error: sse({ success: false, errors: [{ code: 3040, message: "Capacity temporarily exceeded, please try again." }] })
}

// ---------------------------------------------------------------------------------------------- Ollama

const spoken = (said: object, more: object = {}): object => ({
  model: "m-2",
  created_at: "2026-01-01T00:00:00Z",
  message: { role: "assistant", content: "", ...said },
  done: false,
  ...more
})
const looks = (at: number): object => ({ function: { name: "look", arguments: { at } } })
const last = { done: true, done_reason: "stop", prompt_eval_count: 9, eval_count: 7 }

const ollama: Exchange = {
  back: "ollama",
  frames: [
    spoken({ thinking: "hm" }),
    spoken({ content: "Hello" }),
    spoken({ content: " 世界" }),
    spoken({ tool_calls: [looks(1)] }),
    spoken({ tool_calls: [looks(2)] }),
    spoken({}, last)
  ].map(line),
  ending: 6,
  whole: spoken({ thinking: "hm", content: "Hello 世界", tool_calls: [looks(1), looks(2)] }, last),
  usage: usage(9, 0, 7, 0),
  error: line({ error: "llama runner process has terminated: exit status 2" })
}

export const exchanges: ReadonlyArray<Exchange> = [openAi, anthropic, gemini, workersAi, ollama]
