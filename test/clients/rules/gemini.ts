import type { JsonObject } from "../../../src/protocol/Dialects.js"
import * as Json from "../../../src/protocol/Json.js"
import { all, isBase64, objects, strangers, unless, words, type Rules } from "./Rules.js"
import { sign } from "./signatures.js"

/** "Unknown name ... Cannot find field." Source: https://ai.google.dev/api/generate-content */
const members: Rules = (request) => [
  ...strangers(
    request,
    words("contents tools toolConfig safetySettings systemInstruction generationConfig cachedContent"),
    "request"
  ),
  ...contents(request).flatMap(({ parts }, at) =>
    parts.flatMap((part) => [
      ...strangers(
        part,
        words("text thought thoughtSignature inlineData fileData functionCall functionResponse"),
        `contents[${at}]`
      ),
      ...unless(hasData(part), `contents[${at}]: a part has no data, or not one of its kinds`)
    ])
  )
]

/** "Please ensure that multiturn requests alternate between user and model", which begin and end with the user. */
const turns: Rules = (request) => {
  const list = contents(request)
  return [
    ...unless(list.length > 0, "contents are missing"),
    ...list.flatMap(({ parts, role }, at) => [
      ...unless(role === (at % 2 === 0 ? "user" : "model"), `contents[${at}].role is ${String(role)}`),
      ...unless(parts.length > 0, `contents[${at}] has no parts`)
    ]),
    ...unless(list.at(-1)?.role !== "model", "the model had the last word")
  ]
}

/**
 * "Please ensure that the number of function response parts is equal to the number of function call parts of the function
 * call turn", of the same names. Arguments and responses are objects.
 */
const callsAnswered: Rules = (request) => {
  const list = contents(request)
  return list.flatMap(({ parts, role }, at) => {
    const called = names(parts, "functionCall")
    const answered = names(list[at + 1]?.parts ?? [], "functionResponse")
    return [
      ...unless(
        called.toSorted().join() === answered.toSorted().join(),
        `contents[${at}] calls ${called.join()} and is answered with ${answered.join()}`
      ),
      ...unless(role === "model" || called.length === 0, `contents[${at}]: a user calls`),
      ...unless(at > 0 || names(parts, "functionResponse").length === 0, "a response comes first"),
      ...parts.flatMap(({ functionCall, functionResponse }) => [
        ...unless(
          functionCall === undefined || isObjectIn(functionCall, "args"),
          `contents[${at}]: args are no object`
        ),
        ...unless(
          functionResponse === undefined || isObjectIn(functionResponse, "response"),
          `contents[${at}]: a response is no object`
        )
      ])
    ]
  })
}

/**
 * "Function call is missing a thought_signature in functionCall parts": the first of each step has one. It is Gemini's own,
 * for that very part, or the word that Google's FAQ names for calls of other models. Source:
 * https://ai.google.dev/gemini-api/docs/thought-signatures
 */
const signed: Rules = (request) =>
  contents(request).flatMap(({ parts }, at) => [
    ...unless(
      parts.find((part) => "functionCall" in part)?.["thoughtSignature"] !== undefined ||
        names(parts, "functionCall").length === 0,
      `contents[${at}]: the first call is not signed`
    ),
    ...parts.flatMap((part) => unless(isOwn(part), `contents[${at}]: a signature is not Gemini's, or not this part's`))
  ])

/** The rules of Gemini 3. */
export const gemini: Rules = all(members, turns, callsAnswered, signed)

interface Content {
  readonly role: unknown
  readonly parts: ReadonlyArray<JsonObject>
}

const contents = (request: JsonObject): ReadonlyArray<Content> =>
  Json.records(request["contents"]).map(({ parts, role }) => ({ role, parts: objects(parts) ?? [] }))

const names = (parts: ReadonlyArray<JsonObject>, kind: string): ReadonlyArray<string> =>
  parts.filter((part) => kind in part).map((part) => String(Json.record(part[kind])["name"]))

const isObjectIn = (value: unknown, key: string): boolean => Json.isRecord(Json.record(value)[key])

const hasData = (part: JsonObject): boolean => {
  const kinds = ["text", "inlineData", "fileData", "functionCall", "functionResponse"].filter((kind) => kind in part)
  const inline = [part, ...Json.records(Json.record(part["functionResponse"])["parts"])].filter(
    (each) => "inlineData" in each
  )
  return (
    kinds.length === 1 &&
    part["text"] !== "" &&
    inline.every((each) => isBase64(Json.record(each["inlineData"])["data"]))
  )
}

const isOwn = ({ functionCall, text, thoughtSignature }: JsonObject): boolean => {
  const about = functionCall === undefined ? String(text) : String(Json.record(functionCall)["name"])
  return [undefined, sign("gemini", about), "skip_thought_signature_validator"].some((own) => own === thoughtSignature)
}
