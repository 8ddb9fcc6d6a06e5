import type { ErrorCategory } from "../../src/domain/ErrorCategory.js"
import type { Case } from "./cases.js"
import { composedOthers } from "./composedOthers.js"

const openai = { provider: "composed", dialect: "openai-chat", special: [] }

const json = (name: string, status: number, body: unknown, category?: ErrorCategory): Case => ({
  ...openai,
  file: `composed ${name}`,
  status,
  streaming: false,
  headers: { "content-type": "application/json" },
  body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
  category
})

const stream = (name: string, lines: ReadonlyArray<string>, category?: ErrorCategory): Case => ({
  ...openai,
  file: `composed ${name}`,
  status: 200,
  streaming: true,
  headers: { "content-type": "text/event-stream; charset=utf-8" },
  body: Buffer.from(lines.join("")),
  category
})

const event = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`

const chunk = (delta: object, finish: string | null = null, more: object = {}): string =>
  event({
    id: "1",
    object: "chat.completion.chunk",
    created: 1,
    model: "m-1",
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...more
  })

const done = "data: [DONE]\n\n"
const role = chunk({ role: "assistant", content: "" })
const usage = { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 }
const summary = (more: object = {}): string =>
  event({ id: "1", model: "m-1", choices: [], usage: { ...usage, ...more } })

const answer = (message: object, more: object = {}) => ({
  id: "1",
  object: "chat.completion",
  model: "m-1",
  choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason: "stop" }],
  usage,
  ...more
})

const error = (message: string, fields: object = {}) => ({ error: { message, type: null, param: null, ...fields } })

/** Answers in the shapes of the vendors, which are there without any recording; first those in OpenAI's dialect of chat. */
export const composed: ReadonlyArray<Case> = [
  json("OpenAI answer", 200, answer({ content: "Grüße, 世界 👋" })),
  json(
    "tool call",
    200,
    answer({ content: null, tool_calls: [{ id: "c", function: { name: "f", arguments: "{}" } }] })
  ),
  json("answer in parts (Mistral)", 200, answer({ content: [{ type: "text", text: "hi" }] })),
  json("priced answer (OpenRouter)", 200, answer({ content: "hi" }, { usage: { ...usage, cost: 0.00041 } })),
  json("error in a 200 (OpenRouter)", 200, error("Provider returned error", { code: 502 }), "provider_unavailable"),
  json("rate limit (OpenAI)", 429, error("Rate limit reached", { code: "rate_limit_exceeded" }), "rate_limit"),
  json("empty account (OpenAI)", 429, error("You exceeded", { code: "insufficient_quota" }), "provider_quota_exceeded"),
  json("refused key (OpenAI)", 401, error("Incorrect API key provided", { code: "invalid_api_key" }), "auth"),
  json("long prompt (OpenAI)", 400, error("too long", { code: "context_length_exceeded" }), "context_length"),
  json("filter (Azure)", 400, error("filtered", { code: "content_filter" }), "content_filter"),
  json("unknown model (OpenAI)", 404, error("no such model", { code: "model_not_found" }), "model_not_found"),
  json("wrong request (OpenAI)", 400, error("bad", { type: "invalid_request_error" }), "invalid_request"),
  json("gateway page", 502, "<html>Bad gateway</html>", "provider_unavailable"),
  json("page in a 200", 200, "<html>Welcome</html>", "malformed_response"),

  stream("OpenAI stream", [
    role,
    chunk({ content: "Grüße, " }),
    chunk({ content: "世界 👋" }),
    chunk({}, "stop"),
    summary(),
    done
  ]),
  stream("parallel tool calls", [
    role,
    chunk({ tool_calls: [{ index: 0, id: "a", function: { name: "f", arguments: "" } }] }),
    chunk({ tool_calls: [{ index: 1, id: "b", function: { name: "g", arguments: '{"x":"\\"usage\\""}' } }] }),
    chunk({}, "tool_calls"),
    summary(),
    done
  ]),
  stream("reasoning, usage in the last choice (DeepSeek)", [
    role,
    chunk({ reasoning_content: "hm" }, null, { usage: null }),
    chunk({ content: "hi" }, null, { usage: null }),
    chunk({ content: "" }, "stop", { usage: { ...usage, prompt_cache_hit_tokens: 4 } }),
    done
  ]),
  stream("reasoning beside the completion (xAI)", [
    chunk({ role: "assistant", content: "hi" }),
    chunk({}, "stop"),
    summary({ total_tokens: 114, completion_tokens_details: { reasoning_tokens: 100 } }),
    done
  ]),
  stream("comments and a price (OpenRouter)", [
    ": OPENROUTER PROCESSING\n\n",
    role,
    ": OPENROUTER PROCESSING\n\n",
    chunk({ content: "hi" }),
    chunk({}, "stop", { usage: { ...usage, cost: 0.00041 } }),
    done
  ]),
  stream("filter results (Azure)", [
    event({ id: "", model: "", choices: [], prompt_filter_results: [{ prompt_index: 0 }] }),
    role,
    chunk({ content: "hi" }, null, { content_filter_results: { hate: { filtered: false } } }),
    chunk({}, "stop"),
    summary(),
    done
  ]),
  stream("usage in a member of its own (Groq)", [
    role,
    chunk({ content: "hi" }),
    chunk({}, "stop", { x_groq: { usage } }),
    done
  ]),
  stream("no end mark", [role, chunk({ content: "hi" }), chunk({}, "length"), summary()]),
  stream(
    "CRLF",
    [role, chunk({ content: "hi" }), chunk({}, "stop"), summary(), done].map((text) => text.replaceAll("\n", "\r\n"))
  ),
  stream("cut off", [role, chunk({ content: "hi" }), 'data: {"choices":[{"del'], "malformed_response"),
  stream(
    "error in the middle",
    [role, chunk({ content: "hi" }), event(error("no", { code: 503 }))],
    "provider_unavailable"
  ),
  stream("error at once", [event(error("slow down", { code: "rate_limit_exceeded" }))], "rate_limit"),
  stream("error by its event", ["event: error\n", event(error("Overloaded"))], "provider_unavailable"),
  ...composedOthers
]
