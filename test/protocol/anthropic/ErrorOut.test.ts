import { assert, describe, it } from "@effect/vitest"
import * as ErrorOut from "../../../src/protocol/anthropic/ErrorOut.js"
import type { ErrorBody } from "../../../src/protocol/Dialects.js"
import { readBack } from "./answering.js"

const error = (more: Partial<ErrorBody> = {}): ErrorBody => ({
  status: 400,
  message: "No.",
  type: "invalid_request_error",
  param: "max_tokens",
  code: "invalid_type",
  requestId: "req-1",
  ...more
})

const body = (more: Partial<ErrorBody> = {}) => JSON.parse(ErrorOut.errorBody(error(more)).toString())

describe("an error in Anthropic's shape", () => {
  it("says what is wrong, in which request, and beyond Anthropic's members which field and which code", () => {
    assert.deepStrictEqual(body(), {
      type: "error",
      error: { type: "invalid_request_error", message: "No.", param: "max_tokens", code: "invalid_type" },
      request_id: "req-1"
    })
  })

  it("has no request id where there is none, and further members where there are some", () => {
    assert.deepStrictEqual(body({ requestId: undefined, param: null, code: null, more: { attempts: [] } }), {
      type: "error",
      error: { type: "invalid_request_error", message: "No.", param: null, code: null, attempts: [] },
      request_id: null
    })
  })

  it.each([
    [400, "invalid_request_error"],
    [401, "authentication_error"],
    [402, "billing_error"],
    [403, "permission_error"],
    [404, "not_found_error"],
    [405, "invalid_request_error"],
    [413, "request_too_large"],
    [422, "invalid_request_error"],
    [429, "rate_limit_error"],
    [500, "api_error"],
    [502, "api_error"],
    [503, "overloaded_error"],
    [504, "timeout_error"],
    [529, "overloaded_error"]
  ])("is of the type that Anthropic has for %i: %s", (status, type) => {
    assert.strictEqual(body({ status, type: "another's word" }).error.type, type)
  })

  it("ends a stream as an error event, which clients raise", () => {
    const frame = ErrorOut.errorFrame(error({ status: 503, message: "two\nlines" }))
    assert.match(frame.toString(), /^event: error\ndata: \{"type":"error",.*\}\n\n$/)
    const [reading] = readBack(frame)
    assert.strictEqual(reading?.failure?.category, "provider_unavailable")
  })
})
