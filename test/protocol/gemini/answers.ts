import type { IncomingContext } from "../../../src/protocol/Dialects.js"
import * as Gemini from "../../../src/protocol/gemini/Gemini.js"
import * as Json from "../../../src/protocol/Json.js"
import { realm } from "./prompts.js"

/** New ids count from 1. */
export const incoming = (): IncomingContext => {
  let made = 0
  return { realm, fresh: (prefix) => `${prefix}${++made}` }
}

export const decoded = (json: unknown) => Gemini.back.decode(Json.record(json), incoming())

/** Reads the frames of one stream; what is no frame is left out. */
export const readings = (frames: ReadonlyArray<unknown>) => {
  const reader = Gemini.back.reader(incoming())
  return frames.flatMap((frame) => reader.read(Json.stringify(frame), undefined) ?? [])
}

export const candidate = (parts: ReadonlyArray<unknown>, finishReason?: string, index?: number) => ({
  content: { role: "model", parts },
  ...(finishReason === undefined ? {} : { finishReason }),
  ...(index === undefined ? {} : { index })
})

export const answer = (parts: ReadonlyArray<unknown>, finishReason?: string) => ({
  candidates: [candidate(parts, finishReason)]
})
