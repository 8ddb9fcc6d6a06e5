import * as Effect from "effect/Effect"
import type { ChatRequest } from "../domain/ChatRequest.js"
import { RequestRejected } from "../domain/GatewayError.js"
import type { Part, Prompt } from "../domain/Prompt.js"
import * as Tokenizer from "./Tokenizer.js"

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
          return counted > mostCounted || Tokenizer.isCostly(text) ? Tokenizer.roughly(text) : count(text)
        })
        return Math.ceil(tokens * factorOf(request.model))
      },
      catch: () => new RequestRejected({ message: "the request is nested too deeply" })
    })
  )

const tokenizer = Effect.promise(Tokenizer.load)

/** How many tokens of a model there are for one of o200k. */
export const factorOf = (model: string): number => (model.includes("claude") ? 1.15 : 1)

/** Characters of one request that are counted token by token: a tenth of a second's work. */
const mostCounted = 1_000_000

const sum = (amounts: ReadonlyArray<number>): number => amounts.reduce((total, amount) => total + amount, 0)

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
export const perImage = 1_600

/** A few pages. */
export const perDocument = 3_000
