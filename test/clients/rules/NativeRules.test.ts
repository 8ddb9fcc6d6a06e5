import type { JsonObject } from "../../../src/protocol/Dialects.js"
import * as Json from "../../../src/protocol/Json.js"
import { anthropic } from "./anthropic.js"
import { at, call, checks, picture, without } from "./checks.js"
import { gemini } from "./gemini.js"
import { ollama } from "./ollama.js"
import { sign } from "./signatures.js"
import { workersAi } from "./workersAi.js"

// ---------------------------------------------------------------------------------------------- Anthropic

const use = (id: string) => ({ type: "tool_use", id, name: "f", input: {} })
const result = (id: string) => ({ type: "tool_result", tool_use_id: id, content: [{ type: "text", text: "r" }] })
const thinking = { type: "thinking", thinking: "hm", signature: sign("anthropic", "hm") }
const redacted = { type: "redacted_thinking", data: sign("anthropic", "redacted") }
const mark = { cache_control: { type: "ephemeral" } }
const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } }

const messages: JsonObject = {
  model: "m",
  max_tokens: 4_096,
  thinking: { type: "enabled", budget_tokens: 1_024 },
  system: [{ type: "text", text: "s", ...mark }],
  tools: [{ name: "f", input_schema: { type: "object" } }],
  messages: [
    { role: "user", content: "hi" },
    { role: "assistant", content: [thinking, redacted, use("a"), use("b")] },
    { role: "user", content: [result("a"), { ...result("b"), is_error: true, content: [image] }] }
  ]
}

const asked = (...content: ReadonlyArray<object>): JsonObject => at(messages, 1, { content })
const answered = (...content: ReadonlyArray<object>): JsonObject => at(messages, 2, { content })

checks("Anthropic", anthropic, messages, [
  [without(messages, 0), /first message is not the user's/],
  [{ ...messages, messages: [{ role: "user", content: "x" }, ...Json.list(messages["messages"])] }, /message before/],
  [at(messages, 0, { role: "tool" }), /role is unknown/],
  [at(messages, 0, { content: "" }), /is empty/],
  [at(messages, 0, { content: [] }), /is empty/],
  [at(messages, 0, { content: [{ type: "text", text: " \n" }] }), /block text is refused/],
  [at(messages, 0, { content: [thinking] }), /not for user/],
  [at(messages, 0, { content: [{ type: "input_audio" }] }), /input_audio is unknown/],
  [answered(result("a")), /no tool_result right behind/],
  [answered(result("a"), result("b"), result("c")), /answers no tool_use/],
  [answered({ type: "text", text: "x" }, result("a"), result("b")), /stands before a tool_result/],
  [answered(result("a"), { ...result("b"), content: [{ ...image, detail: "low" }] }), /detail is unknown/],
  [asked(thinking, redacted, use("a"), use("a")), /two tool_use have one id/],
  [asked(thinking, use("functions.f:0"), use("b")), /block tool_use is refused/],
  [asked(thinking, { ...use("a"), input: "{}" }, use("b")), /block tool_use is refused/],
  [asked({ ...thinking, signature: sign("gemini", "hm") }, use("a"), use("b")), /block thinking is refused/],
  [asked({ ...thinking, thinking: "h" }, use("a"), use("b")), /block thinking is refused/],
  [asked(thinking, { ...redacted, data: "D" }, use("a"), use("b")), /redacted_thinking is refused/],
  [asked(redacted, use("a"), use("b")), /sequence of thoughts is not whole/],
  [asked(use("a"), use("b")), /begins with tool_use/],
  [{ ...messages, thinking: { type: "enabled", budget_tokens: 4_096 } }, /budget does not fit/],
  [{ ...messages, temperature: 0.5 }, /does not go with sampling/],
  [{ ...messages, tool_choice: { type: "tool", name: "f" } }, /forced tool/],
  [{ ...messages, tool_choice: { type: "tool", name: "g" } }, /names no tool/],
  [{ ...messages, max_tokens: undefined }, /max_tokens is missing/],
  [{ ...messages, seed: 1 }, /seed is unknown/],
  [{ ...messages, tools: [{ name: "f", input_schema: {} }] }, /no object's/],
  [at(messages, 0, { content: [1, 2, 3, 4].map(() => ({ ...image, ...mark })) }), /5 blocks/]
])

// ---------------------------------------------------------------------------------------------- Gemini

const functionCall = { name: "f", args: {} }
const functionResponse = { name: "f", response: { result: "r" } }
const thoughtSignature = sign("gemini", "f")

const generate: JsonObject = {
  contents: [
    { role: "user", parts: [{ text: "hi" }] },
    { role: "model", parts: [{ functionCall, thoughtSignature }, { functionCall }] },
    { role: "user", parts: [{ functionResponse }, { functionResponse }] }
  ]
}

const contents = (position: number, ...parts: ReadonlyArray<object>): JsonObject =>
  at(generate, position, { parts }, "contents")

checks("Gemini", gemini, generate, [
  [{ contents: [] }, /contents are missing/],
  [without(generate, 0, "contents"), /role is model/],
  [without(generate, 2, "contents"), /last word/],
  [contents(0), /has no parts/],
  [contents(0, { text: "" }), /has no data/],
  [contents(0, { text: "hi", kind: "x" }), /kind is unknown/],
  [contents(0, { inlineData: { mimeType: "image/png", data: "data:image/png;base64,AAAA" } }), /has no data/],
  [contents(0, { functionCall }), /a user calls/],
  [contents(2, { functionResponse }), /is answered with/],
  [contents(2, { functionResponse }, { functionResponse: { ...functionResponse, name: "g" } }), /is answered with/],
  [contents(2, { functionResponse }, { functionResponse: { name: "f", response: "r" } }), /response is no object/],
  [contents(1, { functionCall: { name: "f", args: "{}" }, thoughtSignature }, { functionCall }), /args are no object/],
  [contents(1, { functionCall }, { functionCall, thoughtSignature }), /first call is not signed/],
  [contents(1, { functionCall, thoughtSignature: sign("anthropic", "f") }, { functionCall }), /not Gemini's/],
  [
    contents(1, { functionCall, thoughtSignature }, { functionCall: { name: "g", args: {} }, thoughtSignature }),
    /not this part's/
  ],
  [{ ...generate, messages: [] }, /messages is unknown/]
])

// ---------------------------------------------------------------------------------------------- Ollama and Workers AI

const api: JsonObject = {
  model: "m",
  stream: false,
  messages: [
    { role: "user", content: "hi", images: ["AAAA"] },
    { role: "assistant", content: "", thinking: "hm", tool_calls: [{ function: { name: "f", arguments: {} } }] },
    { role: "tool", content: "r", tool_name: "f" }
  ],
  think: true
}

checks("Ollama", ollama, api, [
  [at(api, 0, { role: "developer" }), /role is unknown/],
  [at(api, 0, { content: null }), /content is no text/],
  [at(api, 0, { images: ["data:image/png;base64,AAAA"] }), /not base64/],
  [at(api, 0, { images: ["https://example.com/a.png"] }), /not base64/],
  [at(api, 1, { thinking: {} }), /thinking is no text/],
  [at(api, 1, { tool_calls: [{ function: { name: "f", arguments: "{}" } }] }), /arguments are no object/],
  [{ ...api, model: "" }, /model is missing/],
  [{ ...api, stream: undefined }, /stream is on/],
  [{ ...api, options: [] }, /options are no object/],
  [{ ...api, format: "xml" }, /format is unknown/],
  [{ ...api, think: "low" }, /neither on nor off/]
])

const run: JsonObject = {
  messages: [
    { role: "user", content: [{ type: "text", text: "hi" }, picture] },
    { role: "assistant", content: "", tool_calls: [call("abcdefgh1")] },
    { role: "tool", tool_call_id: "abcdefgh1", content: "r" }
  ],
  tools: [{ type: "function", function: { name: "f", parameters: {} } }]
}

checks("Workers AI", workersAi, run, [
  [at(run, 0, { role: "developer" }), /role is unknown/],
  [at(run, 1, { content: null }), /neither a text nor parts/],
  [
    at(run, 0, { content: [{ type: "image_url", image_url: { url: "https://example.com/a.png" } }] }),
    /a part image_url/
  ],
  [at(run, 2, { tool_call_id: "call_1" }), /does not match/],
  [{ ...run, tools: [{ type: "function", function: { name: "f" } }] }, /no parameters/],
  [{ ...run, tool_choice: "auto" }, /tool_choice is unknown/]
])
