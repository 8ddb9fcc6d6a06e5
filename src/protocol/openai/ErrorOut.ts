import type { ErrorBody, JsonObject } from "../Dialects.js"
import * as Sse from "../Sse.js"

/** OpenAI's error object. */
export const errorBody = (error: ErrorBody): Buffer => Buffer.from(JSON.stringify({ error: objectOf(error) }))

/** Ends a stream that broke: an error without choices is the one form that every client raises. */
export const errorFrame = (error: ErrorBody): Buffer => Sse.encode(JSON.stringify({ error: objectOf(error) }))

const objectOf = ({ code, message, more, param, type }: ErrorBody): JsonObject => ({
  message,
  type,
  param,
  code,
  ...more
})
