import { isDeepStrictEqual } from "node:util"
import { vectorText, type ToolCall } from "../clients/Client.js"
import type { Case } from "./cases.js"

/** Why an answer ended, in no dialect's words; `none`: it is of a kind that has no such thing. */
export type Ending = "stop" | "length" | "tools" | "filter" | "pause" | "none"

/** What an answer says, read off a recording as naively as its dialect allows and with nothing of the gateway's. */
export interface Said {
  readonly text: string
  /** What some clients show as text besides: a refusal, a summary. */
  readonly aside: string
  readonly calls: ReadonlyArray<ToolCall>
  readonly ending: Ending | undefined
}

export const said = (recorded: Case): Said => {
  const docs = documents(recorded)
  return (readers[recorded.dialect] ?? nothing)(docs)
}

/** The ending that a provider's or a client's word for it stands for. */
export const endingOf = (word: unknown): Ending | undefined =>
  typeof word === "string" ? words[word.toLowerCase().replaceAll("-", "_")] : undefined

/** Are these the same calls? A client may give a call when it is whole, so their order is its own. */
export const sameCalls = (some: ReadonlyArray<ToolCall>, others: ReadonlyArray<ToolCall>): boolean =>
  some.length === others.length && some.every((call) => count(some, call) === count(others, call))

const count = (calls: ReadonlyArray<ToolCall>, { name, arguments: args }: ToolCall): number =>
  calls.filter((call) => call.name === name && isDeepStrictEqual(call.arguments, args)).length

const words: Readonly<Record<string, Ending>> = {
  stop: "stop",
  eos: "stop",
  end_turn: "stop",
  stop_sequence: "stop",
  length: "length",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  tool_calls: "tools",
  tool_use: "tools",
  function_call: "tools",
  content_filter: "filter",
  safety: "filter",
  prohibited_content: "filter",
  recitation: "filter",
  blocklist: "filter",
  spii: "filter",
  refusal: "filter",
  pause_turn: "pause"
}

// JSON as it came: whoever reads it naively has no types for it.
type Doc = ReturnType<typeof JSON.parse>

const parsed = (text: string): ReadonlyArray<Doc> => {
  try {
    const doc: Doc = JSON.parse(text)
    return typeof doc === "object" && doc !== null ? [doc] : []
  } catch {
    return []
  }
}

const documents = ({ body, streaming }: Case): ReadonlyArray<Doc> => {
  const text = body.toString()
  if (!streaming) return parsed(text)
  const frames = text.split(/\r?\n\r?\n/).flatMap((frame) => /^data: ?(.*)$/m.exec(frame)?.[1] ?? [])
  return (frames.length > 0 ? frames : text.split("\n")).flatMap(parsed)
}

const join = (texts: ReadonlyArray<unknown>): string => texts.filter((text) => typeof text === "string").join("")

const argumentsOf = (args: unknown): unknown => {
  if (typeof args !== "string") return args
  return args === "" ? {} : (parsed(args)[0] ?? args)
}

interface Pieced {
  readonly id: unknown
  readonly index: unknown
  readonly name: string
  readonly args: Array<unknown>
}

/**
 * Calls that came in pieces: a name with a new id begins a call, and so does a name without an index; any other piece
 * belongs to the call of its id or its index, or else to the last one.
 */
const assembled = (pieces: ReadonlyArray<Doc>): ReadonlyArray<ToolCall> => {
  const calls: Array<Pieced> = []
  for (const { function: called, id, index } of pieces.filter((piece) => piece.function)) {
    const known =
      calls.find((call) => id && call.id === id) ??
      (called.name && (id || index === undefined) ? undefined : calls.find((call) => call.index === index)) ??
      (called.name ? undefined : calls.at(-1))
    const call: Pieced = known ?? { id, index, name: called.name, args: [] }
    if (known === undefined) calls.push(call)
    call.args.push(called.arguments ?? "")
  }
  const object = (args: ReadonlyArray<unknown>) => args.find((piece) => typeof piece === "object")
  return calls.map(({ args, name }) => ({ name, arguments: argumentsOf(object(args) ?? join(args)) }))
}

/** Calls that are whole, each by itself, whatever they say of their places. */
const alone = (calls: ReadonlyArray<Doc>): ReadonlyArray<Doc> => calls.map((call) => ({ function: call.function }))

const openai = (docs: ReadonlyArray<Doc>): Said => {
  const choices = docs.map((doc) => doc.choices?.[0]).filter(Boolean)
  const messages = choices.map(({ delta, message }) => message ?? delta ?? {})
  const calls = assembled(
    choices.flatMap(({ delta, message }) => delta?.tool_calls ?? alone(message?.tool_calls ?? []))
  )
  const legacy = assembled(messages.flatMap(({ function_call: called }) => (called ? { function: called } : [])))
  return {
    text: join(messages.flatMap(({ content }) => (Array.isArray(content) ? content.map(({ text }) => text) : content))),
    aside: join(messages.map(({ refusal }) => refusal)),
    calls: [...calls, ...legacy.filter(({ name }) => name)],
    ending: choices.map(({ finish_reason }) => endingOf(finish_reason)).findLast(Boolean)
  }
}

const anthropic = (docs: ReadonlyArray<Doc>): Said => {
  const blocks = docs.flatMap(({ content, content_block }) => content ?? content_block ?? [])
  const deltas = docs.flatMap(({ delta }) => delta ?? [])
  const inputs = docs.filter(({ delta }) => delta?.type === "input_json_delta")
  const started = docs.filter(({ content_block }) => content_block?.type === "tool_use")
  const streamed = started.map(({ content_block, index }) => ({
    name: content_block.name,
    arguments: argumentsOf(join(inputs.filter((input) => input.index === index).map(({ delta }) => delta.partial_json)))
  }))
  const whole = docs.flatMap(({ content = [] }) => content).filter(({ type }) => type === "tool_use")
  return {
    text: join([...blocks, ...deltas].map(({ text }) => text)),
    aside: join(
      [...blocks, ...deltas].map(({ content, type }) => (String(type).startsWith("compaction") ? content : undefined))
    ),
    calls: [...whole.map(({ input, name }) => ({ name, arguments: input })), ...streamed],
    ending: docs.map(({ delta, stop_reason }) => endingOf(stop_reason ?? delta?.stop_reason)).findLast(Boolean)
  }
}

const gemini = (docs: ReadonlyArray<Doc>): Said => {
  const candidates = docs.flatMap((doc) => doc.candidates?.[0] ?? [])
  const parts = candidates.flatMap(({ content }) => content?.parts ?? [])
  return {
    text: join(parts.map(({ text, thought }) => (thought === true ? undefined : text))),
    aside: "",
    calls: parts.flatMap(({ functionCall: call }) => (call ? { name: call.name, arguments: call.args ?? {} } : [])),
    ending: candidates.map(({ finishReason }) => endingOf(finishReason)).findLast(Boolean)
  }
}

const workersAi = (docs: ReadonlyArray<Doc>): Said => {
  const results = docs.map((doc) => doc.result ?? doc)
  if (results.some(({ choices }) => choices)) return openai(results)
  const pieces = results.flatMap(({ tool_calls }) => tool_calls ?? [])
  return {
    text: join(results.map(({ response }) => response)),
    aside: "",
    calls: assembled(pieces.map((piece) => (piece.function ? piece : { function: piece }))),
    ending: results.map(({ finish_reason }) => endingOf(finish_reason)).findLast(Boolean)
  }
}

const ollama = (docs: ReadonlyArray<Doc>): Said => {
  const messages = docs.flatMap(({ message }) => message ?? [])
  return {
    text: join(messages.map(({ content }) => content)),
    aside: "",
    calls: assembled(alone(messages.flatMap(({ tool_calls }) => tool_calls ?? []))),
    ending: docs.map(({ done_reason }) => endingOf(done_reason)).findLast(Boolean)
  }
}

const completions = (docs: ReadonlyArray<Doc>): Said => {
  const choices = docs.map((doc) => doc.choices?.[0]).filter(Boolean)
  return {
    text: join(choices.map(({ text }) => text)),
    aside: "",
    calls: [],
    ending: choices.map(({ finish_reason }) => endingOf(finish_reason)).findLast(Boolean)
  }
}

const embeddings = (docs: ReadonlyArray<Doc>): Said => ({
  text: vectorText(docs.flatMap(({ data }) => data).map(({ embedding }) => embedding)),
  aside: "",
  calls: [],
  ending: "none"
})

const countTokens = ([doc]: ReadonlyArray<Doc>): Said => ({
  text: String(doc.input_tokens),
  aside: "",
  calls: [],
  ending: "none"
})

const nothing = (): Said => ({ text: "", aside: "", calls: [], ending: undefined })

const readers: Readonly<Record<string, (docs: ReadonlyArray<Doc>) => Said>> = {
  "openai-chat": openai,
  "anthropic-messages": anthropic,
  gemini,
  "cloudflare-run": workersAi,
  "ollama-api-chat": ollama,
  "openai-completions": completions,
  "openai-embeddings": embeddings,
  "anthropic-count-tokens": countTokens
}
