import type { AnswerFormat, Message, Prompt, Tool, ToolChoice } from "../../domain/Prompt.js"
import type { Encoded, JsonObject, Outbound } from "../Dialects.js"
import * as Json from "../Json.js"
import { foreign, type Lost } from "../Lossiness.js"
import * as Models from "./Models.js"
import { PartWriter } from "./Parts.js"
import * as Schema from "./Schema.js"
import * as Thinking from "./Thinking.js"

/**
 * The body of `generateContent` and `streamGenerateContent` (v1beta). The model and whether to stream are in the URL.
 * Source: https://ai.google.dev/api/generate-content.
 */
export const encode = (prompt: Prompt, outbound: Outbound): Encoded => {
  const lost = new Set<Lost>(foreign(prompt.foreign))
  const { format, tools } = together(prompt, outbound.model, lost)
  if (tools.length > 0 && prompt.parallelTools === false) lost.add("parallel_tools")
  if (prompt.user !== undefined) lost.add("user")
  const json = Json.defined({
    ...conversation(prompt.messages, outbound, lost),
    tools: tools.length === 0 ? undefined : [{ functionDeclarations: tools.map((tool) => declaration(tool, lost)) }],
    toolConfig: tools.length === 0 ? undefined : toolConfig(prompt.toolChoice),
    generationConfig: filled({
      ...sampling(prompt, outbound, lost),
      ...formatOf(format),
      thinkingConfig: Thinking.config(prompt.thinking, outbound.model, lost)
    })
  })
  return { json, lost }
}

// ---------------------------------------------------------------------------------------------- messages

interface Content {
  readonly role: "user" | "model"
  readonly parts: Array<JsonObject>
}

/**
 * System messages before all others are the instruction; a later one stays where it is, as the user's. An instruction alone
 * is what the user says, because a request without contents is refused, and so is a message without parts.
 */
const conversation = (messages: ReadonlyArray<Message>, outbound: Outbound, lost: Set<Lost>): JsonObject => {
  const richResults = Models.isThirdOrLater(outbound.model)
  const writer = new PartWriter({ realm: outbound.realm, richResults }, lost)
  const begin = messages.findIndex(({ role }) => role !== "system")
  const instruction: Array<JsonObject> = []
  const contents: Array<Content> = []
  messages.forEach(({ parts, role }, position) => {
    if (role === "system" && position >= begin && begin >= 0) lost.add("system_position")
    for (const part of parts) {
      for (const written of writer.all(part)) {
        if (position < begin) instruction.push(written)
        else add(contents, role === "assistant" ? "model" : "user", written)
      }
    }
  })
  if (contents.length === 0) return { contents: [{ role: "user", parts: instruction }] }
  // "Developer instruction is not enabled" for Gemma, which is told by the user then.
  if (instruction.length > 0 && !Models.isInstructed(outbound.model)) {
    const [first, ...rest] = contents
    const told = first?.role === "user" ? { role: first.role, parts: [...instruction, ...first.parts] } : undefined
    lost.add("system_position")
    return { contents: told === undefined ? [{ role: "user", parts: instruction }, ...contents] : [told, ...rest] }
  }
  return {
    ...(instruction.length === 0 ? {} : { systemInstruction: { parts: instruction } }),
    contents: richResults ? contents.map(signed) : contents
  }
}

/** Consecutive messages of one role are one: parallel calls and their results belong together. */
const add = (contents: Array<Content>, role: Content["role"], part: JsonObject): void => {
  const last = contents.at(-1)
  if (last?.role === role) last.parts.push(part)
  else contents.push({ role, parts: [part] })
}

/**
 * Gemini 3 refuses a step whose first call is unsigned; parallel calls after it need no signature. For calls that it did
 * not make itself, Google names this one, which the validator lets pass
 * (https://ai.google.dev/gemini-api/docs/thought-signatures, FAQs).
 */
const signed = (content: Content): Content => {
  const first = content.parts.findIndex((part) => part["functionCall"] !== undefined)
  const parts = content.parts.map((part, position) =>
    position === first ? { thoughtSignature: "skip_thought_signature_validator", ...part } : part
  )
  return { ...content, parts }
}

// ---------------------------------------------------------------------------------------------- tools

/**
 * Before Gemini 3, declared tools and a JSON answer exclude each other, and later still a forced call and a JSON answer;
 * then the tools stay. Tools that must not be called need not be declared.
 */
const together = (
  { format, toolChoice, tools }: Prompt,
  model: string,
  lost: Set<Lost>
): Pick<Prompt, "format" | "tools"> => {
  if (format === undefined || tools.length === 0) return { format, tools }
  const forced = toolChoice?._tag === "Required" || toolChoice?._tag === "Tool"
  const third = (Models.generation(model) ?? 3) >= 3
  if (third && !forced) return { format, tools }
  if (toolChoice?._tag === "None") return { format, tools: [] }
  lost.add("format")
  return { format: undefined, tools }
}

const declaration = ({ cache, description, name, parameters, strict }: Tool, lost: Set<Lost>): JsonObject => {
  if (cache !== undefined) lost.add("cache_control")
  if (strict) lost.add("strict_tools")
  const parametersJsonSchema = parameters === undefined ? undefined : Schema.adapt(parameters)
  return Json.defined({ name, description, parametersJsonSchema })
}

const toolConfig = (choice: ToolChoice | undefined): JsonObject | undefined => {
  switch (choice?._tag) {
    case undefined:
      return undefined
    case "Auto":
      return { functionCallingConfig: { mode: "AUTO" } }
    case "None":
      return { functionCallingConfig: { mode: "NONE" } }
    case "Required":
      return { functionCallingConfig: { mode: "ANY" } }
    case "Tool":
      return { functionCallingConfig: { mode: "ANY", allowedFunctionNames: [choice.name] } }
  }
}

// ---------------------------------------------------------------------------------------------- generationConfig

const sampling = (prompt: Prompt, outbound: Outbound, lost: Set<Lost>): JsonObject => {
  const generation = Models.generation(outbound.model)
  /** Nothing is lost with a value that says what is so anyway. */
  const kept = (value: number | undefined, takes: boolean, name: Lost, anyway?: number): number | undefined => {
    if (value === undefined || takes) return value
    if (value !== anyway) lost.add(name)
    return undefined
  }
  if (prompt.stop.length > maxStops) lost.add("stop")
  // "Penalty is not enabled for models/gemini-2.5-pro", and so it is with the others of that generation.
  const penalties = generation !== 2.5
  return {
    maxOutputTokens: outbound.maxTokens ?? prompt.maxTokens,
    temperature: outbound.temperature ?? prompt.temperature,
    topP: prompt.topP,
    topK: prompt.topK,
    stopSequences: prompt.stop.length === 0 ? undefined : prompt.stop.slice(0, maxStops),
    seed: kept(prompt.seed, isInt32(prompt.seed), "seed"),
    presencePenalty: kept(prompt.presencePenalty, penalties, "presence_penalty", 0),
    frequencyPenalty: kept(prompt.frequencyPenalty, penalties, "frequency_penalty", 0),
    // "Multiple candidates is not enabled for this model": so say all since Gemini 3.
    candidateCount: kept(prompt.choices, (generation ?? 0) < 3, "choices", 1)
  }
}

/** Google's limit. */
const maxStops = 5

const isInt32 = (seed: number | undefined): boolean => seed === Math.trunc(seed ?? 0) && Math.abs(seed) < 2 ** 31

const formatOf = (format: AnswerFormat | undefined): JsonObject => {
  if (format === undefined) return {}
  const responseMimeType = "application/json"
  return format._tag === "Json"
    ? { responseMimeType }
    : { responseMimeType, responseJsonSchema: Schema.adapt(format.schema) }
}

const filled = (members: JsonObject): JsonObject | undefined => {
  const set = Json.defined(members)
  return Object.keys(set).length === 0 ? undefined : set
}
