import type { JsonObject } from "../Dialects.js"
import * as Json from "../Json.js"

/** The members of a request that mean something to Anthropic only, by their path; parts of messages are told by themselves. */
export const of = (json: JsonObject): ReadonlyArray<string> => {
  const tools = Json.records(json["tools"])
  const blocks = Json.records(json["messages"]).flatMap(({ content }) => Json.records(content))
  const names = [
    ...beyond(json, members),
    ...beyond(json["output_config"], ["effort", "format"]).map((key) => `output_config.${key}`),
    ...beyond(json["thinking"], ["type", "budget_tokens", ...shown(json)]).map((key) => `thinking.${key}`),
    ...tools
      .flatMap((tool) =>
        isFunction(tool)
          ? beyond(tool, [
              "type",
              "name",
              "description",
              "input_schema",
              "strict",
              "cache_control",
              "eager_input_streaming"
            ])
          : [Json.text(tool["type"]) ?? "unknown"]
      )
      .map((key) => `tools.${key}`),
    ...(blocks.some(({ citations }) => Json.record(citations)["enabled"] === true) ? ["citations"] : []),
    ...(blocks.some(({ context, type }) => type === "document" && says(context)) ? ["document.context"] : [])
  ]
  return [...new Set(names)]
}

/** A tool of the caller's; others are Anthropic's own. */
export const isFunction = (tool: JsonObject): boolean => tool["type"] === undefined || tool["type"] === "custom"

/** Thoughts are shown everywhere else without being asked for. */
const shown = (json: JsonObject): ReadonlyArray<string> =>
  Json.record(json["thinking"])["display"] === "summarized" ? ["display"] : []

const members =
  `model messages system max_tokens metadata stop_sequences stream temperature top_k top_p tools tool_choice
  thinking output_format output_config fallback mid_stream models provider require`.split(/\s+/)

const beyond = (value: unknown, known: ReadonlyArray<string>): ReadonlyArray<string> => {
  const object = Json.record(value)
  return Object.keys(object).filter((key) => !known.includes(key) && says(object[key]))
}

/** What is null or empty asks for nothing. */
const says = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && value.length === 0)
