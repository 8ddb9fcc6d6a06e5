import type { Message, Part, Prompt, Seal, Source, Tool } from "../domain/Prompt.js"
import type { JsonObject } from "./Dialects.js"
import * as Json from "./Json.js"
import { foreign, type Lost } from "./Lossiness.js"

/** A message of a dialect in which each holds one text, and at most images beside it. */
export interface Turn {
  readonly role: Message["role"] | "tool"
  readonly text: string
  readonly images: ReadonlyArray<Base64>
  /** Reasoning that goes along. */
  readonly thoughts: string
  readonly calls: ReadonlyArray<PartOf<"ToolCall">>
  /** What a tool's message is the result of. */
  readonly result: PartOf<"ToolResult"> | undefined
}

export type PartOf<Tag extends Part["_tag"]> = Extract<Part, { readonly _tag: Tag }>
export type Base64 = Extract<Source, { readonly _tag: "Base64" }>

/**
 * A prompt's messages. A tool's message holds text only: what else a tool gave, the user shows. Reasoning goes along when
 * `realm` sealed it or nobody did; with no `realm` none does. What finds no place is added to `lost`.
 */
export const of = (
  messages: ReadonlyArray<Message>,
  realm: string | undefined,
  lost: Set<Lost>
): ReadonlyArray<Turn> => {
  const replays = (seal: Seal | undefined) => realm !== undefined && (seal === undefined || seal.origin === realm)
  return messages.flatMap(({ parts, role }) => {
    const results = parts.filter(isResult)
    const shown = results.flatMap((result) => result.parts.filter((part) => textOf(part) === undefined))
    const rest = [...shown, ...parts.filter((part) => !isResult(part))]
    for (const part of [...results, ...results.flatMap((result) => result.parts), ...rest]) {
      for (const loss of lossesOf(part, replays)) lost.add(loss)
    }
    const said: Turn = {
      role,
      text: textsOf(rest),
      images: rest.flatMap((part) => (part._tag === "Image" && part.source._tag === "Base64" ? [part.source] : [])),
      thoughts: rest.map((part) => (part._tag === "Reasoning" && replays(part.seal) ? part.text : "")).join(""),
      calls: rest.filter(isCall),
      result: undefined
    }
    // The user's turn stays even when all of it is lost: a model is to answer something.
    const stays = !isEmpty(said) || (role === "user" && results.length === 0)
    return [...results.map(resultTurn), ...(stays ? [said] : [])]
  })
}

/** The functions that the model may call, in OpenAI's shape, for a dialect in which it is always free to choose. */
export const functions = (prompt: Prompt, lost: Set<Lost>): ReadonlyArray<JsonObject> => {
  const { parallelTools, toolChoice, tools } = prompt
  if (tools.length === 0 || toolChoice?._tag === "None") return []
  if (toolChoice !== undefined && toolChoice._tag !== "Auto") lost.add("tool_choice")
  if (parallelTools === false) lost.add("parallel_tools")
  return tools.map((tool) => functionOf(tool, lost))
}

/** What no dialect of this kind can say. */
export const unsayable = ({ choices, foreign: names, user }: Prompt): Set<Lost> => {
  const lost = new Set<Lost>(foreign(names))
  if (choices !== undefined && choices > 1) lost.add("choices")
  if (user !== undefined) lost.add("user")
  return lost
}

const isResult = (part: Part): part is PartOf<"ToolResult"> => part._tag === "ToolResult"
const isCall = (part: Part): part is PartOf<"ToolCall"> => part._tag === "ToolCall"

const isEmpty = ({ calls, images, text, thoughts }: Turn): boolean =>
  text === "" && thoughts === "" && images.length === 0 && calls.length === 0

const textOf = (part: Part): string | undefined => {
  if (part._tag === "Text" || part._tag === "Refusal") return part.text
  return part._tag === "Document" && part.source._tag === "PlainText" ? part.source.text : undefined
}

/** A blank line between them, as Ollama itself joins messages of one role. */
const textsOf = (parts: ReadonlyArray<Part>): string =>
  parts
    .map(textOf)
    .filter((text) => text !== undefined && text !== "")
    .join("\n\n")

const resultTurn = (result: PartOf<"ToolResult">): Turn => ({
  role: "tool",
  text: `${result.failed ? "Error: " : ""}${textsOf(result.parts)}`,
  images: [],
  thoughts: "",
  calls: [],
  result
})

const functionOf = ({ cache, description, name, parameters, strict }: Tool, lost: Set<Lost>): JsonObject => {
  if (strict === true) lost.add("strict_tools")
  if (cache !== undefined) lost.add("cache_control")
  // Both dialects require the parameters.
  const schema = parameters ?? { type: "object", properties: {} }
  return { type: "function", function: Json.defined({ name, description, parameters: schema }) }
}

const lossesOf = (part: Part, replays: (seal: Seal | undefined) => boolean): ReadonlyArray<Lost> => {
  const cached: ReadonlyArray<Lost> = "cache" in part && part.cache !== undefined ? ["cache_control"] : []
  switch (part._tag) {
    case "Text":
    case "Refusal":
      return cached
    case "Image":
      return [...cached, ...imageLosses(part)]
    case "Document":
      return part.source._tag === "PlainText" ? cached : [...cached, "documents"]
    case "Audio":
      return ["audio"]
    case "Reasoning":
      return replays(part.seal) ? [] : ["reasoning_history"]
    case "Sealed":
      return ["reasoning_history"]
    case "ToolCall":
      return part.seal === undefined ? cached : [...cached, "reasoning_history"]
    case "ToolResult":
      return part.failed ? [...cached, "tool_errors"] : cached
    case "Foreign":
      return [`foreign:${part.kind}`]
  }
}

const imageLosses = ({ detail, source }: PartOf<"Image">): ReadonlyArray<Lost> => {
  if (source._tag === "Url") return ["image_urls"]
  if (source._tag === "PlainText") return ["images"]
  return detail === undefined || detail === "auto" ? [] : ["image_detail"]
}
