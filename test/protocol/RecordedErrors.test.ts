import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import * as ErrorSignals from "../../src/protocol/ErrorSignals.js"
import type { Failure } from "../../src/protocol/Failure.js"
import * as Sse from "../../src/protocol/Sse.js"
import { implied, type Entry } from "../recorded/implied.js"

const wire = new URL("../../../shared/wire/", import.meta.url)
const absent = !existsSync(wire)
const index: ReadonlyArray<Entry> = absent ? [] : JSON.parse(readFileSync(new URL("index.json", wire), "utf8"))
const failing = (entry: Entry): boolean => implied(entry) !== undefined && implied(entry) !== "malformed_response"
const now = Date.parse("2025-06-02T15:15:00Z")

const framesOf = (body: Buffer): ReadonlyArray<unknown> =>
  (new Sse.FrameSplitter().push(body) ?? []).flatMap((frame) => {
    const data = Sse.data(frame)
    return data === undefined || data === "[DONE]" ? [] : [JSON.parse(data)]
  })

/** The failures that a case holds: one for an error answer, one an erroneous frame of a stream. */
const failuresOf = ({ file, headers, status, streaming }: Entry): ReadonlyArray<Failure> => {
  const body = readFileSync(new URL(file, wire))
  if (status >= 300) return [ErrorSignals.fromAnswer({ status, headers, body, now })]
  const values = streaming ? framesOf(body) : [JSON.parse(body.toString())]
  return values.flatMap((value) => ErrorSignals.fromErrorValue(value, status) ?? [])
}

describe.skipIf(absent)(`recorded traffic${absent ? " (skipped: ../shared/wire is not here)" : ""}`, () => {
  for (const entry of index.filter(failing)) {
    it(`${entry.file} is ${implied(entry)}`, () => {
      assert.deepStrictEqual(
        failuresOf(entry).map(({ category }) => category),
        [implied(entry)]
      )
    })
  }

  it("finds no failure in any good answer or frame", () => {
    const good = index.filter((entry) => !failing(entry) && /\.(json|sse)$/.test(entry.file))
    assert.isAbove(good.length, 80)
    for (const item of good) assert.deepStrictEqual(failuresOf(item), [], item.file)
  })

  it("shows no caller a word of an answer that is about the gateway's account or the provider's health", () => {
    for (const item of index.filter(({ status }) => status >= 300)) {
      for (const failure of failuresOf(item)) {
        if (["auth", "provider_quota_exceeded", "provider_unavailable", "rate_limit"].includes(failure.category)) {
          assert.match(failure.message, /^the (?:provider|gateway).* \(\d{3}\)$/)
        }
      }
    }
  })

  it("reads the recorded hints about waiting", () => {
    const waits = Object.fromEntries(
      index
        .filter(({ status }) => status === 429)
        .flatMap((item) => failuresOf(item).map((failure) => [item.file, failure.retryAfterMs]))
    )
    assert.deepInclude(waits, {
      "openai/error-429-rate-limit-tpm.json": 6596,
      "anthropic/error-429-rate-limit.json": 16_000,
      "google-gemini/error-429-v-retry-info.json": 34_400
    })
  })
})
