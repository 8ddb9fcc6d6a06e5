import type { Prompt, Tool } from "../../domain/Prompt.js"
import type { JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"
import type { Lost } from "../Lossiness.js"
import * as CacheControl from "./CacheControl.js"
import type { Traits } from "./Models.js"
import * as Schema from "./Schema.js"

/** The members of a request about tools. */
export interface Tooling {
  readonly tools: ReadonlyArray<JsonObject>
  readonly choice: JsonObject | undefined
  /** The model must call a tool. */
  readonly forces: boolean
}

/** Without tools Anthropic refuses a `tool_choice`. */
export const write = (prompt: Prompt, traits: Traits, lost: Set<Lost>): Tooling => {
  const tools = prompt.tools.map((tool) => toolOf(tool, traits, lost))
  if (tools.length === 0) return { tools, choice: undefined, forces: false }
  const choice = choiceOf(prompt, traits, lost)
  return { tools, choice, forces: choice?.["type"] === "any" || choice?.["type"] === "tool" }
}

const toolOf = (
  { cache, description, name, parameters, strict }: Tool,
  traits: Traits,
  lost: Set<Lost>
): JsonObject => {
  const schema = atTop(parameters ?? { properties: {} }, lost)
  const enforced = strict === true && traits.structured ? Schema.enforceable(schema) : undefined
  // A rule that is told in words only is no strict one; then all rules are told as such.
  const isStrict = enforced !== undefined && !enforced.relaxed
  if (strict === true && !isStrict) lost.add("strict_tools")
  return Json.defined({
    name,
    description,
    input_schema: isStrict ? enforced.schema : schema,
    strict: isStrict ? true : undefined,
    cache_control: CacheControl.of(cache)
  })
}

/** Anthropic refuses choices between schemas at the top; the branches' members are all told, and none is required. */
const atTop = (parameters: JsonObject, lost: Set<Lost>): JsonObject => {
  const branches = combinators.flatMap((keyword) => Json.records(parameters[keyword]))
  if (!combinators.some((keyword) => keyword in parameters)) return { ...parameters, type: "object" }
  lost.add("tool_schema")
  const properties = [...branches, parameters].map((branch) => Json.record(branch["properties"]))
  const rest = Object.entries(parameters).filter(([keyword]) => !combinators.includes(keyword))
  return { ...Object.fromEntries(rest), type: "object", properties: Object.assign({}, ...properties) }
}

const combinators = ["anyOf", "oneOf", "allOf"]

const choiceOf = (prompt: Prompt, traits: Traits, lost: Set<Lost>): JsonObject | undefined => {
  const serial = prompt.parallelTools === false ? { disable_parallel_tool_use: true } : {}
  const { parallelTools, toolChoice } = prompt
  switch (toolChoice?._tag) {
    case undefined:
      return parallelTools === false ? { type: "auto", ...serial } : undefined
    case "None":
      return { type: "none" }
    case "Auto":
      return { type: "auto", ...serial }
    case "Required":
    case "Tool":
      if (!traits.forced) {
        lost.add("tool_choice")
        return { type: "auto", ...serial }
      }
      return toolChoice._tag === "Tool"
        ? { type: "tool", name: toolChoice.name, ...serial }
        : { type: "any", ...serial }
  }
}
