import type { JsonObject } from "../../../src/protocol/Dialects.js"
import * as Json from "../../../src/protocol/Json.js"
import { at, call, checks, picture, without, type Spoilt } from "./checks.js"
import { cerebras, groq } from "./closed.js"
import { deepseek, moonshot } from "./deepseek.js"
import { mistral } from "./mistral.js"
import { openai } from "./openai.js"
import { openrouter } from "./openrouter.js"
import { sign } from "./signatures.js"

const chat: JsonObject = {
  model: "m",
  messages: [
    { role: "system", content: "s" },
    { role: "user", content: [{ type: "text", text: "hi" }, picture] },
    { role: "assistant", content: null, tool_calls: [call("abcdefgh1"), call("abcdefgh2")] },
    { role: "tool", tool_call_id: "abcdefgh1", content: "a" },
    { role: "tool", tool_call_id: "abcdefgh2", content: [{ type: "text", text: "b" }] }
  ],
  tools: [{ type: "function", function: { name: "f", parameters: { type: "object" } } }],
  tool_choice: "auto"
}

/** What everybody of the dialect refuses. */
const spoiltChat: ReadonlyArray<Spoilt> = [
  [without(chat, 3), /no result right behind/],
  [without(chat, 2), /result of no call/],
  [at(chat, 2, { tool_calls: [call("abcdefgh1"), call("abcdefgh1")] }), /two calls have one id/],
  [at(chat, 2, { tool_calls: [call("abcdefgh1", "{"), call("abcdefgh2")] }), /no call of a function/],
  [at(chat, 4, { content: [picture, { type: "file" }] }), /a part file/],
  [at(chat, 1, { content: null }), /content is missing/],
  [at(chat, 1, { content: {} }), /neither a text nor parts/],
  [{ ...chat, messages: [] }, /must be a list/]
]

const spoiltChoice: ReadonlyArray<Spoilt> = [
  [{ ...chat, tool_choice: { type: "function", function: { name: "g" } } }, /names no tool/],
  [{ ...chat, tools: [] }, /names no tool/]
]

/** What those with closed schemas refuse. */
const spoiltMembers: ReadonlyArray<Spoilt> = [
  [at(chat, 2, { reasoning_content: "hm" }), /reasoning_content is unknown/],
  [at(chat, 2, { reasoning_details: [] }), /reasoning_details is unknown/],
  [at(chat, 1, { cache_control: {} }), /cache_control is unknown/],
  [at(chat, 1, { content: [{ ...picture, cache_control: {} }] }), /content\[0\]\.cache_control is unknown/],
  [at(chat, 1, { role: "critic" }), /role is unknown/],
  [{ ...chat, reasoning: {} }, /request\.reasoning is unknown/],
  [
    at(chat, 2, { tool_calls: [{ ...call("abcdefgh1"), extra_content: {} }, call("abcdefgh2")] }),
    /extra_content is unknown/
  ]
]

checks("OpenAI", openai, chat, [
  ...spoiltChat,
  ...spoiltChoice,
  ...spoiltMembers,
  [at(chat, 4, { tool_call_id: "x".repeat(41) }), /is not like/],
  [at(chat, 4, { content: [picture] }), /a part image_url/],
  [{ ...chat, max_tokens: 9 }, /max_tokens is not/],
  [{ ...chat, temperature: 0.5 }, /temperature is not/],
  [{ ...chat, presence_penalty: 0.5 }, /presence_penalty is not/]
])

checks("Mistral", mistral, chat, [
  ...spoiltChat,
  ...spoiltMembers,
  [at(chat, 3, { tool_call_id: "call_1" }), /is not like/],
  [{ ...chat, messages: [...Json.list(chat["messages"]), { role: "user", content: "x" }] }, /unexpected role user/],
  [{ ...chat, messages: Json.list(chat["messages"]).slice(0, 3) }, /last role/],
  [{ ...chat, seed: 1 }, /seed is unknown/]
])

for (const [name, rules] of [
  ["Groq", groq],
  ["Cerebras", cerebras]
] as const) {
  checks(name, rules, chat, [
    ...spoiltChat,
    ...spoiltMembers,
    [at(chat, 4, { content: [picture] }), /a part image_url/],
    [at(chat, 4, { name: "f" }), /name is unknown/]
  ])
}

for (const [name, rules] of [
  ["DeepSeek", deepseek],
  ["Moonshot", moonshot]
] as const) {
  const reasoned = at(chat, 2, { reasoning_content: "hm" })
  const answers = [...Json.list(reasoned["messages"]), { role: "assistant", content: "x" }]
  checks(name, rules, reasoned, [
    ...spoiltChat,
    ...spoiltChoice,
    [chat, /no reasoning_content/],
    [at(chat, 2, { reasoning_content: "" }), /no reasoning_content/],
    [{ ...reasoned, messages: answers }, /no reasoning_content/]
  ])
}

const detail = { type: "reasoning.text", text: "hm", signature: sign("openrouter", "hm") }

checks("OpenRouter", openrouter, at(chat, 2, { reasoning: "hm", reasoning_details: [detail] }), [
  ...spoiltChat,
  ...spoiltChoice,
  [at(chat, 2, { reasoning_details: [{ ...detail, text: "h" }] }), /not as OpenRouter gave it/],
  [
    at(chat, 2, { reasoning_details: [{ ...detail, signature: sign("anthropic", "hm") }] }),
    /not as OpenRouter gave it/
  ],
  [at(chat, 2, { reasoning_details: [{ type: "reasoning.encrypted", data: "D" }] }), /not as OpenRouter gave it/]
])
