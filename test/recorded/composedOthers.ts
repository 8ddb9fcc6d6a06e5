import type { Case } from "./cases.js"
import { composedAnthropic } from "./composedAnthropic.js"
import { data, line, stream, whole } from "./composing.js"

// ---------------------------------------------------------------------------------------------- Gemini

const generated = (parts: ReadonlyArray<object>, finishReason?: string) => ({
  candidates: [
    { index: 0, content: { role: "model", parts }, ...(finishReason === undefined ? {} : { finishReason }) }
  ],
  usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 5, totalTokenCount: 14 },
  modelVersion: "gemini-1",
  responseId: "r1"
})

const google = (code: number, status: string, text: string) => ({ error: { code, status, message: text } })

const gemini: ReadonlyArray<Case> = [
  whole("gemini", "Gemini answer", generated([{ text: "hm", thought: true }, { text: "Grüße, 世界 👋" }], "STOP")),
  whole("gemini", "Gemini filter", generated([{ text: "half" }], "SAFETY")),
  whole(
    "gemini",
    "Gemini calls",
    generated([{ functionCall: { name: "f", args: { x: 1 } } }, { functionCall: { name: "g", args: {} } }], "STOP")
  ),
  stream("gemini", "Gemini stream", [
    data(generated([{ text: "Grüße, " }])),
    data(generated([{ text: "世界 👋" }])),
    data(generated([{ text: "" }], "MAX_TOKENS"))
  ]),
  stream("gemini", "Gemini stream with a call", [
    data(generated([{ text: "Let me see." }])),
    data(generated([{ functionCall: { name: "f", args: { x: 1 } } }], "STOP"))
  ]),
  whole("gemini", "unknown model (Gemini)", google(404, "NOT_FOUND", "models/m is not found"), 404, "model_not_found"),
  whole("gemini", "overload (Gemini)", google(503, "UNAVAILABLE", "overloaded"), 503, "provider_unavailable")
]

// ---------------------------------------------------------------------------------------------- Workers AI

const run = "cloudflare-run"

const used = { usage: { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 } }

const envelope = (result: object) => ({ result, success: true, errors: [], messages: [] })

const unwell = (code: number, text: string) => ({ result: null, success: false, errors: [{ code, message: text }] })

const workersAi: ReadonlyArray<Case> = [
  whole(run, "Workers AI answer", envelope({ response: "Grüße, 世界 👋", ...used })),
  whole(
    run,
    "Workers AI call",
    envelope({ response: null, tool_calls: [{ name: "f", arguments: { x: 1 } }], ...used })
  ),
  stream(run, "Workers AI stream", [
    data({ response: "Grüße, ", p: "abc" }),
    data({ response: "世界 👋", p: "abcd" }),
    data({ response: "", ...used }),
    "data: [DONE]\n\n"
  ]),
  whole(run, "unknown model (Workers AI)", unwell(5007, "No such model"), 400, "model_not_found"),
  whole(
    run,
    "used up (Workers AI)",
    unwell(4006, "you have used up your daily free allocation"),
    429,
    "provider_quota_exceeded"
  )
]

// ---------------------------------------------------------------------------------------------- Ollama

const api = "ollama-api-chat"

const spoken = (content: string, more: object = {}) => ({
  model: "m-1",
  created_at: "2026-01-01T00:00:00Z",
  message: { role: "assistant", content, ...more },
  done: false
})

const last = (reason: string) => ({ done: true, done_reason: reason, prompt_eval_count: 9, eval_count: 5 })

const call = { tool_calls: [{ function: { name: "f", arguments: { x: 1 } } }] }

const ollama: ReadonlyArray<Case> = [
  whole(api, "Ollama answer", { ...spoken("Grüße, 世界 👋", { thinking: "hm" }), ...last("stop") }),
  whole(api, "Ollama call", { ...spoken("", call), ...last("stop") }),
  stream(api, "Ollama stream", [
    line(spoken("Grüße, ")),
    line(spoken("世界 👋")),
    line({ ...spoken(""), ...last("length") })
  ]),
  stream(api, "Ollama stream with a call", [line(spoken("", call)), line({ ...spoken(""), ...last("stop") })]),
  stream(
    api,
    "Ollama stream broken off",
    [line(spoken("half")), line({ error: "an error was encountered while running the model" })],
    "provider_unavailable"
  ),
  whole(api, "unknown model (Ollama)", { error: "model 'm' not found" }, 404, "model_not_found"),
  whole(api, "overload (Ollama)", { error: "server busy, please try again" }, 503, "provider_unavailable")
]

// ---------------------------------------------------------------------------------------------- routes that pass through

const completion = (text: string, finish_reason: string | null) => ({
  id: "cmpl-1",
  object: "text_completion",
  created: 1,
  model: "m-1",
  choices: [{ index: 0, text, logprobs: null, finish_reason }]
})

const vector = (embedding: unknown) => ({
  object: "list",
  model: "m-1",
  data: [{ object: "embedding", index: 0, embedding }],
  usage: { prompt_tokens: 2, total_tokens: 2 }
})

const plain: ReadonlyArray<Case> = [
  whole("openai-completions", "completion", { ...completion("Grüße", "length"), ...used }),
  stream("openai-completions", "completion stream", [
    data(completion("Grü", null)),
    data(completion("ße", "stop")),
    "data: [DONE]\n\n"
  ]),
  whole("openai-embeddings", "embedding", vector([0.25, -0.5, 1])),
  whole(
    "openai-embeddings",
    "embedding in base64",
    vector(Buffer.from(Float32Array.of(0.25, -0.5, 1).buffer).toString("base64"))
  ),
  whole(
    "openai-embeddings",
    "unknown model of embeddings",
    {
      error: {
        message: "The model `m` does not exist",
        type: "invalid_request_error",
        param: null,
        code: "model_not_found"
      }
    },
    404,
    "model_not_found"
  )
]

/** Answers in the dialects that are not OpenAI's chat. */
export const composedOthers: ReadonlyArray<Case> = [...composedAnthropic, ...gemini, ...workersAi, ...ollama, ...plain]
