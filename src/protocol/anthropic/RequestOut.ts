import type { AnswerFormat, Prompt } from "../../domain/Prompt.js"
import type { Encoded, JsonObject, Outbound } from "../Dialects.js"
import * as Json from "../Json.js"
import { foreign, type Lost } from "../Lossiness.js"
import { BlockWriter } from "./Blocks.js"
import * as CacheControl from "./CacheControl.js"
import * as Conversation from "./Conversation.js"
import * as Models from "./Models.js"
import * as Schema from "./Schema.js"
import * as Thinking from "./Thinking.js"
import * as Tools from "./Tools.js"

/** The body of `POST /v1/messages`. Source: https://platform.claude.com/docs/en/api/messages/create */
export const encode = (prompt: Prompt, outbound: Outbound): Encoded => {
  const lost = new Set<Lost>(foreign(prompt.foreign))
  const { model, realm, stream } = outbound
  const traits = Models.traits(model)
  const { choice, forces, tools } = Tools.write(prompt, traits, lost)
  const talk = Conversation.write(prompt.messages, new BlockWriter(realm, lost), lost)
  const { messages, system, tools: marked } = CacheControl.limit({ tools, ...talk }, lost)
  const circumstances: Thinking.Circumstances = {
    traits,
    maxTokens: outbound.maxTokens ?? prompt.maxTokens,
    noBudget: forces || Conversation.goesOnWithoutThought(talk.messages)
  }
  const { effort, max_tokens, on, thinking } = Thinking.write(prompt.thinking, circumstances, lost)
  for (const member of unknown(prompt)) lost.add(member)
  const json = Json.defined({
    model,
    max_tokens,
    system: filled(system),
    messages,
    tools: filled(marked),
    tool_choice: choice,
    thinking,
    output_config: config(Json.defined({ effort, format: format(prompt.format, traits, lost) })),
    ...sampling(prompt, outbound, { traits, on }, lost),
    stop_sequences: filled(stops(prompt.stop, lost)),
    metadata: metadata(prompt.user, lost),
    stream: stream ? true : undefined
  })
  return { json, lost }
}

/** What Anthropic has no word for. A penalty of 0 and a single choice are what it does anyway. */
const unknown = (prompt: Prompt): ReadonlyArray<Lost> => [
  ...(prompt.seed === undefined ? [] : (["seed"] as const)),
  ...(prompt.presencePenalty ? (["presence_penalty"] as const) : []),
  ...(prompt.frequencyPenalty ? (["frequency_penalty"] as const) : []),
  ...(prompt.choices !== undefined && prompt.choices > 1 ? (["choices"] as const) : [])
]

const filled = <A>(list: ReadonlyArray<A>): ReadonlyArray<A> | undefined => (list.length === 0 ? undefined : list)

const config = (members: JsonObject): JsonObject | undefined =>
  Object.keys(members).length === 0 ? undefined : members

/** A stop sequence of blanks only is refused. */
const stops = (stop: ReadonlyArray<string>, lost: Set<Lost>): ReadonlyArray<string> => {
  const kept = stop.filter((sequence) => sequence.trim() !== "")
  if (kept.length < stop.length) lost.add("stop")
  return kept
}

const longestUser = 256

const metadata = (user: string | undefined, lost: Set<Lost>): JsonObject | undefined => {
  if (user === undefined) return undefined
  if (user.length <= longestUser) return { user_id: user }
  lost.add("user")
  return undefined
}

const format = (asked: AnswerFormat | undefined, traits: Models.Traits, lost: Set<Lost>): JsonObject | undefined => {
  if (asked === undefined) return undefined
  const fitted = asked._tag === "JsonSchema" && traits.structured ? Schema.enforceable(asked.schema) : undefined
  if (asked._tag === "Json" || fitted === undefined) {
    lost.add("format")
    return undefined
  }
  if (fitted.relaxed) lost.add("format_schema")
  const description = fitted.schema["description"] ?? asked.description
  return { type: "json_schema", schema: Json.defined({ ...fitted.schema, description }) }
}

/**
 * Temperature is from 0 to 1 here. A request for thoughts takes no `top_k`, no temperature but 1 and no `top_p` below 0.95;
 * from Claude 4.1 on temperature and `top_p` together are refused, from 4.7 on each of them is. 1 is what both are anyway.
 */
const sampling = (
  prompt: Prompt,
  outbound: Outbound,
  { on, traits }: { readonly on: boolean; readonly traits: Models.Traits },
  lost: Set<Lost>
): JsonObject => {
  const asked = { temperature: outbound.temperature ?? prompt.temperature, top_p: prompt.topP, top_k: prompt.topK }
  const none = traits.sampling === "none"
  const bounded = asked.temperature === undefined ? undefined : Math.min(1, Math.max(0, asked.temperature))
  const temperature = none || on ? undefined : bounded
  const top_p = none || (on && (asked.top_p ?? 1) < 0.95) ? undefined : asked.top_p
  const clash = traits.sampling === "one" && temperature !== undefined && top_p !== undefined
  const told = {
    temperature: clash && temperature === 1 ? undefined : temperature,
    top_p: clash && temperature !== 1 ? undefined : top_p,
    top_k: none || on ? undefined : asked.top_k
  }
  if ((told.temperature ?? 1) !== (asked.temperature ?? 1)) lost.add("temperature")
  if ((told.top_p ?? 1) !== (asked.top_p ?? 1)) lost.add("top_p")
  if (told.top_k !== asked.top_k) lost.add("top_k")
  return told
}
