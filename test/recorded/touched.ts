import { isDeepStrictEqual } from "node:util"

/** A place in JSON that is not as it was; the positions in its path are `*`. */
interface Touched {
  readonly path: string
  readonly before: unknown
  readonly after: unknown
}

/**
 * What of an answer is not as the provider sent it and is no repair of what strict clients reject. The list of repairs is
 * here; each says what has to be amiss for it.
 */
export const touchedInVain = (before: unknown, after: unknown): ReadonlyArray<Touched> =>
  differences(before, after, "").filter(({ path, ...values }) => repairs[path]?.(values) !== true)

type Repair = (values: Omit<Touched, "path">) => boolean

const isText = (value: unknown): boolean => typeof value === "string" && value !== ""
const noText: Repair = ({ before }) => !isText(before)
const noNumber: Repair = ({ before }) => typeof before !== "number"
const noObject: Repair = ({ before }) => typeof before !== "object" || before === null
const isNull: Repair = ({ before }) => before === null

const details = (usage: string, count: string): Readonly<Record<string, Repair>> => ({
  [usage]: ({ before }) => typeof Object(before)[count] !== "number",
  [`${usage}.${count}`]: noNumber
})

const finishes: ReadonlySet<unknown> = new Set(["stop", "length", "tool_calls", "content_filter", "function_call"])

/** The signature of a vendor that is not the dialect's own is marked. */
const sealed: Repair = ({ after, before }) =>
  typeof before === "string" && typeof after === "string" && /^orelse~[^~]+~/.test(after) && after.endsWith(before)

const ofMessage = (message: string): Readonly<Record<string, Repair>> => ({
  [message]: noObject,
  [`${message}.role`]: ({ before }) => before !== "assistant",
  [`${message}.content`]: ({ before }) => before === undefined || (typeof before === "object" && before !== null),
  [`${message}.reasoning_content`]: ({ before }) => before === undefined || typeof before === "object",
  [`${message}.reasoning`]: ({ before }) => typeof before === "object",
  [`${message}.annotations`]: ({ before }) => !Array.isArray(before),
  [`${message}.annotations.*`]: ({ before }) => !Object(before).url_citation,
  [`${message}.reasoning_details.*.data`]: sealed,
  [`${message}.reasoning_details.*.signature`]: sealed,
  [`${message}.tool_calls`]: isNull,
  [`${message}.tool_calls.*.id`]: () => true,
  [`${message}.tool_calls.*.type`]: noText,
  [`${message}.tool_calls.*.index`]: () => true,
  [`${message}.tool_calls.*.function.name`]: noText,
  [`${message}.tool_calls.*.function.arguments`]: noText
})

const repairs: Readonly<Record<string, Repair>> = {
  ".id": noText,
  ".object": ({ after }) => typeof after === "string" && after.startsWith("chat.completion"),
  ".created": noNumber,
  ".model": noText,
  ".usage": noObject,
  ".usage.prompt_tokens": noNumber,
  ".usage.completion_tokens": noNumber,
  ".usage.total_tokens": noNumber,
  ...details(".usage.prompt_tokens_details", "cached_tokens"),
  ...details(".usage.completion_tokens_details", "reasoning_tokens"),
  ".choices.*.index": noNumber,
  // Said twice, it is said once.
  ".choices.*.finish_reason": ({ after, before }) => !finishes.has(before) || after === null,
  ".choices.*.logprobs": ({ before }) => !Array.isArray(Object(before).content),
  ...ofMessage(".choices.*.message"),
  ...ofMessage(".choices.*.delta")
}

const differences = (before: unknown, after: unknown, path: string): ReadonlyArray<Touched> => {
  if (isDeepStrictEqual(before, after)) return []
  if (!isTree(before) || !isTree(after) || Array.isArray(before) !== Array.isArray(after)) {
    return [{ path, before, after }]
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keys].flatMap((key) =>
    differences(Reflect.get(before, key), Reflect.get(after, key), `${path}.${Array.isArray(before) ? "*" : key}`)
  )
}

const isTree = (value: unknown): value is object => typeof value === "object" && value !== null
