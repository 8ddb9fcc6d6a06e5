import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import * as FastCheck from "effect/FastCheck"
import type { Reading } from "../../../src/protocol/Dialects.js"
import * as Gemini from "../../../src/protocol/gemini/Gemini.js"
import * as Json from "../../../src/protocol/Json.js"
import * as Sse from "../../../src/protocol/Sse.js"
import { total } from "../../../src/domain/Usage.js"
import { cut, sizes } from "../../support/chunks.js"
import { decoded, incoming } from "./answers.js"

const shared = new URL("../../../../shared/wire/", import.meta.url)
const here = existsSync(shared)

interface Recorded {
  readonly file: string
  readonly dialect: string
  readonly streaming: boolean
}

const index: ReadonlyArray<Recorded> = here ? JSON.parse(readFileSync(new URL("index.json", shared), "utf8")) : []
const recorded = (streaming: boolean) => index.filter((one) => one.dialect === "gemini" && one.streaming === streaming)
const bytes = ({ file }: Recorded): Buffer => readFileSync(new URL(file, shared))

const read = (body: Buffer, pieces: ReadonlyArray<number>): ReadonlyArray<Reading> => {
  const reader = Gemini.back.reader(incoming())
  const splitter = new Sse.FrameSplitter()
  return cut(body, pieces)
    .flatMap((chunk) => splitter.push(chunk) ?? [])
    .flatMap((frame) => {
      const data = Sse.data(frame)
      return data === undefined ? [] : (reader.read(data, undefined) ?? [])
    })
}

/** What a recording says in the end, read with nothing of the gateway's. */
const reported = (body: Buffer) => {
  const frames = [...body.toString().matchAll(/^data: (.*)$/gm)].map(([, data = ""]) => JSON.parse(data))
  return {
    text: frames.map(({ candidates }) => candidates[0].content.parts[0].text).join(""),
    tokens: frames.at(-1).usageMetadata.totalTokenCount,
    model: frames.at(-1).modelVersion
  }
}

describe.skipIf(!here)(`Recorded answers of Gemini${here ? "" : " (skipped: ../shared/wire is not here)"}`, () => {
  it.each(recorded(true))("$file is read to its text and usage, however its bytes are cut", (one) => {
    const body = bytes(one)
    const { model, text, tokens } = reported(body)
    for (const pieces of [[Number.MAX_SAFE_INTEGER], [1], ...FastCheck.sample(sizes, { numRuns: 3, seed: 7 })]) {
      const all = read(body, pieces)
      const events = all.flatMap((reading) => reading.events)
      const usage = all.at(-1)?.usage
      assert.strictEqual(events.map((event) => (event._tag === "Text" ? event.text : "")).join(""), text)
      assert.deepEqual(events.at(-1), { _tag: "Finish", index: 0, reason: "stop" })
      assert.strictEqual(usage && total(usage), tokens)
      assert.isTrue(all.every((reading) => reading.model === model && reading.failure === undefined))
    }
  })

  it.each(recorded(false))("$file is an error and no answer", (one) => {
    const body = bytes(one).toString()
    assert.isUndefined(decoded(Json.parsed(body)))
    assert.isDefined(Gemini.back.reader(incoming()).read(body, undefined)?.failure)
  })
})
