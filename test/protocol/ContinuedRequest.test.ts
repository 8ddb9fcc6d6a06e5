import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Anthropic from "../../src/protocol/anthropic/RequestIn.js"
import * as ContinuedRequest from "../../src/protocol/ContinuedRequest.js"
import * as Json from "../../src/protocol/Json.js"
import type { JsonObject } from "../../src/protocol/Dialects.js"
import * as OpenAi from "../../src/protocol/openai/RequestIn.js"

const question = { model: "m", messages: [{ role: "user", content: "Hi" }] }

const openai = (fields: object = {}) => Either.getOrThrow(OpenAi.makeRequest({ ...question, ...fields }))
const anthropic = (fields: object = {}) =>
  Either.getOrThrow(Anthropic.makeRequest({ ...question, max_tokens: 1_000, ...fields }))

const continued = (request: ReturnType<typeof openai>, text = "so far") => {
  const made = ContinuedRequest.make(request, text) ?? assert.fail("it cannot be written")
  return { made, json: Json.record(JSON.parse(Buffer.from(made.body).toString())) }
}

/** What the user says last. */
const wish = (json: JsonObject) => String(Json.records(json["messages"]).at(-1)?.["content"])

describe.each([
  ["OpenAI's", openai],
  ["Anthropic's", anthropic]
] as const)("a request in %s dialect for the rest of an answer", (_, asking) => {
  it("holds the conversation, the text so far and what is wished, and ends with the user", () => {
    const { json, made } = continued(asking({ temperature: 0.5 }))
    const [first, text, last] = Json.records(json["messages"])
    assert.deepStrictEqual([first, text], [question.messages[0], { role: "assistant", content: "so far" }])
    assert.deepStrictEqual([last?.["role"], json["temperature"]], ["user", 0.5])
    assert.deepStrictEqual(
      made.prompt?.().messages.map(({ role }) => role),
      ["user", "assistant", "user"]
    )
    assert.deepStrictEqual(made.view["messages"], json["messages"])
  })

  it("keeps what nobody but a provider understands: headers, unknown members, integers beyond a double", () => {
    const request = asking()
    const body = Buffer.from(
      Buffer.from(request.body)
        .toString()
        .replace('"content":"Hi"', '"content":"Hi","id":12345678901234567890')
        .replace(/\}$/, ',"x":98765432109876543210}')
    )
    const made = ContinuedRequest.make({ ...request, body, headers: { "anthropic-beta": "b" } }, "so far")
    const written = Buffer.from(made?.body ?? []).toString()
    assert.include(written, '"id":12345678901234567890')
    assert.include(written, '"x":98765432109876543210')
    assert.deepStrictEqual(made?.headers, { "anthropic-beta": "b" })
  })

  it("is the very same where nothing was said but white space, which is no message", () => {
    const request = asking()
    for (const text of ["", " \n"]) assert.strictEqual(ContinuedRequest.make(request, text), request)
  })

  it("may say less by what was said, and at least a token", () => {
    const text = "x".repeat(400)
    assert.strictEqual(continued(asking({ max_tokens: 1_000 }), text).json["max_tokens"], 900)
    assert.strictEqual(continued(asking({ max_tokens: 50 }), text).json["max_tokens"], 1)
  })
})

describe("a request for the rest of an answer", () => {
  it("has no bound where there was none, and knows both names of OpenAI's", () => {
    assert.notProperty(continued(openai()).json, "max_tokens")
    assert.strictEqual(continued(openai({ max_completion_tokens: 10 }), "four").json["max_completion_tokens"], 9)
  })

  it("has a budget for thoughts only below its bound, as Anthropic insists", () => {
    const thinking = { type: "enabled", budget_tokens: 950 }
    assert.deepStrictEqual(continued(anthropic({ thinking }), "x".repeat(40)).json["thinking"], thinking)
    assert.notProperty(continued(anthropic({ thinking }), "x".repeat(400)).json, "thinking")
  })

  it("tells a format in words, since the rest of an answer has it only together with the start", () => {
    const schema = { type: "object", properties: { a: { type: "string" } } }
    const strict = continued(
      openai({ response_format: { type: "json_schema", json_schema: { name: "n", strict: true, schema } } })
    ).json
    const loose = continued(openai({ response_format: { type: "json_object" } })).json
    const claude = continued(
      anthropic({ output_config: { effort: "low", format: { type: "json_schema", schema } } })
    ).json
    const beta = continued(anthropic({ output_format: { type: "json_schema", schema } })).json
    for (const json of [strict, claude, beta]) assert.include(wish(json), JSON.stringify(schema))
    assert.include(wish(loose), "JSON object")
    for (const json of [strict, loose, beta]) assert.notProperty(json, "response_format")
    assert.notProperty(beta, "output_format")
    assert.deepStrictEqual(claude["output_config"], { effort: "low" })
    assert.notInclude(wish(continued(openai({ response_format: { type: "text" } })).json), "JSON")
  })
})
