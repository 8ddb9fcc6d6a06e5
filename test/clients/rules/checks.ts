import { assert, describe, it } from "@effect/vitest"
import type { JsonObject } from "../../../src/protocol/Dialects.js"
import * as Json from "../../../src/protocol/Json.js"
import type { Rules } from "./Rules.js"

/** What a request is made into, and the complaint about it. */
export type Spoilt = readonly [request: JsonObject, complaint: RegExp]

/** That the rules take a request, and refuse each of the others for its one fault. */
export const checks = (name: string, rules: Rules, fine: JsonObject, spoilt: ReadonlyArray<Spoilt>): void => {
  describe(`the rules of ${name}`, () => {
    it("take a conversation with tools", () => {
      assert.deepStrictEqual(rules(fine), [])
    })

    for (const [request, complaint] of spoilt) {
      it(`refuse a request and say: ${complaint.source}`, () => {
        const complaints = rules(request)
        assert.isTrue(
          complaints.some((each) => complaint.test(each)),
          `no such complaint: ${complaints.join("; ")}`
        )
      })
    }
  })
}

/** The request with more members in one of its messages. */
export const at = (request: JsonObject, position: number, members: JsonObject, list = "messages"): JsonObject => ({
  ...request,
  [list]: Json.records(request[list]).with(position, { ...Json.records(request[list])[position], ...members })
})

/** The request without one of its messages. */
export const without = (request: JsonObject, position: number, list = "messages"): JsonObject => ({
  ...request,
  [list]: Json.records(request[list]).toSpliced(position, 1)
})

/** A picture in OpenAI's shape. */
export const picture = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } }

/** A call in OpenAI's shape. */
export const call = (id: string, args = "{}") => ({ id, type: "function", function: { name: "f", arguments: args } })
