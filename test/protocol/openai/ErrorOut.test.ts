import { assert, describe, it } from "@effect/vitest"
import type { ErrorBody } from "../../../src/protocol/Dialects.js"
import { fronts } from "../../../src/protocol/Fronts.js"
import * as Sse from "../../../src/protocol/Sse.js"

const front = fronts["openai-chat"]

const error: ErrorBody = {
  status: 503,
  message: "m",
  type: "t",
  param: null,
  code: "c",
  requestId: "req_1",
  more: { attempts: [] }
}

/** OpenAI's object; its status is the response's, its request's id a header. */
const shown = { message: "m", type: "t", param: null, code: "c", attempts: [] }

const dataOf = (frame: Buffer) => JSON.parse(Sse.data(frame) ?? "")

describe("frames of the gateway's own", () => {
  it("are errors, as a body and as the last frame of a broken stream", () => {
    assert.deepStrictEqual(JSON.parse(front.errorBody(error).toString()), { error: shown })
    assert.deepStrictEqual(dataOf(front.errorFrame(error)), { error: shown })
    assert.isUndefined(Sse.eventName(front.errorFrame(error)))
  })

  it("are chunks without choices, with one member more", () => {
    const member = dataOf(front.memberFrame("orelse", { attempts: [] }, "m", 7))
    assert.deepInclude(member, { object: "chat.completion.chunk", model: "m", created: 7, choices: [] })
    assert.deepStrictEqual(member.orelse, { attempts: [] })
  })

  it("are the end mark", () => {
    assert.strictEqual(front.end.toString(), "data: [DONE]\n\n")
  })

  it("are the same for requests that are never translated", () => {
    for (const dialect of ["openai-completions", "openai-embeddings"] as const) {
      assert.deepStrictEqual(fronts[dialect].errorBody(error), front.errorBody(error))
    }
  })
})

describe("what is lost", () => {
  it("is named in the caller's own words", () => {
    const names = (["choices", "format_schema", "seed", "reasoning_history", "foreign:logit_bias"] as const).map(
      front.nameOf
    )
    assert.deepStrictEqual(names, ["n", "response_format.json_schema", "seed", "reasoning", "logit_bias"])
  })
})
