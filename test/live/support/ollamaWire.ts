import { boolean, number, record, records, text } from "../../../src/protocol/Json.js"
import type { Task } from "./llamaModel.js"

/** A chat request of either API. */
export interface Asked extends Task {
  readonly model: string
  readonly stream: boolean
  /** The stream shall say its usage. */
  readonly usage: boolean
}

/** What an answer took, in tokens. */
export interface Counts {
  readonly input: number
  readonly output: number
}

/** One of the two APIs that Ollama has: what its requests mean, and how its answers look. */
export interface Wire {
  readonly read: (body: unknown) => Asked
  /** The content type of a stream. */
  readonly type: string
  readonly piece: (asked: Asked, content: string) => string
  readonly end: (asked: Asked, counts: Counts) => string
  readonly whole: (asked: Asked, content: string, counts: Counts) => string
  readonly error: (message: string) => string
}

/** Ollama's own: `/api/chat`. */
export const native: Wire = {
  read: (body) => {
    const { options, stream } = record(body)
    const { num_predict: maxTokens, seed, temperature } = record(options)
    return asked(body, { maxTokens, seed, temperature, stream: boolean(stream) ?? true, usage: true })
  },
  type: "application/x-ndjson",
  piece: ({ model }, content) => line({ ...nativeAnswer(model, content), done: false }),
  end: ({ model }, counts) => line({ ...nativeAnswer(model, ""), ...nativeEnd(counts) }),
  whole: ({ model }, content, counts) => JSON.stringify({ ...nativeAnswer(model, content), ...nativeEnd(counts) }),
  error: (error) => JSON.stringify({ error })
}

/** The one in OpenAI's dialect: `/v1/chat/completions`. */
export const compatible: Wire = {
  read: (body) => {
    const { max_tokens: maxTokens, seed, stream, stream_options: options, temperature } = record(body)
    const usage = record(options)["include_usage"] === true
    return asked(body, { maxTokens, seed, temperature, stream: stream === true, usage })
  },
  type: "text/event-stream",
  piece: ({ model }, content) => frame(model, { choices: [chunk(content, null)] }),
  end: ({ model, usage }, counts) => {
    const last = frame(model, { choices: [chunk("", "length")] })
    return `${last}${usage ? frame(model, { choices: [], usage: usageOf(counts) }) : ""}data: [DONE]\n\n`
  },
  whole: ({ model }, content, counts) =>
    JSON.stringify({
      ...head(model, "chat.completion"),
      choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "length" }],
      usage: usageOf(counts)
    }),
  error: (message) => JSON.stringify({ error: { message, type: "not_found_error", param: null, code: null } })
}

const asked = (
  body: unknown,
  options: { readonly [Name in "maxTokens" | "seed" | "temperature"]: unknown } & Pick<Asked, "stream" | "usage">
): Asked => {
  const { messages, model } = record(body)
  const turns = records(messages).map(({ content, role }) => `${text(role)}: ${text(content)}\n`)
  return {
    model: text(model) ?? "",
    prompt: `${turns.join("")}assistant: `,
    maxTokens: number(options.maxTokens) ?? 64,
    seed: number(options.seed) ?? 1,
    temperature: number(options.temperature) ?? 1,
    stream: options.stream,
    usage: options.usage
  }
}

const nativeAnswer = (model: string, content: string): object => ({
  model,
  created_at: new Date().toISOString(),
  message: { role: "assistant", content }
})

/** Durations are in ns. */
const nativeEnd = ({ input, output }: Counts): object => ({
  done: true,
  done_reason: "length",
  total_duration: 2_000_000,
  load_duration: 0,
  prompt_eval_count: input,
  prompt_eval_duration: 1_000_000,
  eval_count: output,
  eval_duration: 1_000_000
})

const head = (model: string, object: string): object => ({
  id: "chatcmpl-1",
  object,
  created: 1,
  model,
  system_fingerprint: "fp_ollama"
})

const chunk = (content: string, finish: "length" | null): object => ({
  index: 0,
  delta: { role: "assistant", content },
  finish_reason: finish
})

const usageOf = ({ input, output }: Counts): object => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: input + output
})

const frame = (model: string, members: object): string =>
  `data: ${line({ ...head(model, "chat.completion.chunk"), ...members })}\n`

const line = (value: object): string => `${JSON.stringify(value)}\n`
