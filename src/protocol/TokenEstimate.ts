import * as Effect from "effect/Effect"
import type { ChatRequest } from "../domain/ChatRequest.js"
import { RequestRejected } from "../domain/GatewayError.js"
import type { Part, Prompt } from "../domain/Prompt.js"

/**
 * About how many input tokens a request has. Text is counted with OpenAI's o200k; Claude's tokens are some 15 % more. Refused
 * is what is nested so deeply that it cannot be read.
 */
export const ofRequest = (request: ChatRequest): Effect.Effect<number, RequestRejected> =>
  Effect.flatMap(tokenizer, (count) =>
    Effect.try({
      try: () => {
        const prompt = request.prompt?.()
        if (prompt === undefined) return 0
        let counted = 0
        const tokens = ofPrompt(prompt, (text) => {
          counted += text.length
          return counted > mostCounted || isCostly(text) ? costly(text) : count(text)
        })
        return Math.ceil(tokens * (request.model.includes("claude") ? claudeFactor : 1))
      },
      catch: () => new RequestRejected({ message: "the request is nested too deeply" })
    })
  )

/** Its table weighs megabytes, so it is loaded when it is first needed. */
const tokenizer = Effect.promise(() => import("gpt-tokenizer/encoding/o200k_base")).pipe(
  Effect.map(
    ({ countTokens }) =>
      (text: string) =>
        countTokens(text, { disallowedSpecial: new Set() })
  )
)

const claudeFactor = 1.15

/** A long run without a space takes a tokenizer seconds, in which nobody else is served. */
const isCostly = (text: string): boolean =>
  text.length > 50_000 || /\s{200}/.test(text) || text.split(/\s+/).some(({ length }) => length >= 200)

/** Characters of one request that are counted token by token: a tenth of a second's work. */
const mostCounted = 1_000_000

const sum = (amounts: ReadonlyArray<number>): number => amounts.reduce((total, amount) => total + amount, 0)

/** Four bytes a token, as English has it. */
const costly = (text: string): number => Math.ceil(Buffer.byteLength(text) / 4)

const ofPrompt = (prompt: Prompt, count: (text: string) => number): number => {
  const ofPart = (part: Part): number => {
    switch (part._tag) {
      case "Text":
      case "Reasoning":
      case "Refusal":
        return count(part.text)
      case "ToolCall":
        return count(part.name) + count(part.arguments) + perMessage
      case "ToolResult":
        return sum(part.parts.map(ofPart)) + perMessage
      case "Image":
        return perImage
      case "Document":
        return part.source._tag === "PlainText" ? count(part.source.text) : perDocument
      case "Audio":
        return perDocument
      case "Sealed":
      case "Foreign":
        return 0
    }
  }
  const messages = prompt.messages.map(({ parts }) => sum(parts.map(ofPart)) + perMessage)
  const tools = prompt.tools.map(
    ({ description, name, parameters }) =>
      count(`${name} ${description ?? ""} ${JSON.stringify(parameters ?? {})}`) + perMessage
  )
  return sum(messages) + sum(tools)
}

/** Role and separators. */
const perMessage = 4

/** Anthropic scales images to at most about so many. */
const perImage = 1_600

/** A few pages. */
const perDocument = 3_000
