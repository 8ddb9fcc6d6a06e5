import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { IncomingMessage } from "node:http"
import * as HttpRefusal from "./HttpRefusal.js"

/**
 * Reads a request's body. On one that is too large it answers at once and goes on throwing the rest away, so that the
 * client can send to its end and read the 413; a reset would hide it. Nothing is called back when the client leaves.
 */
export const read = (
  request: IncomingMessage,
  limit: number,
  done: (body: Buffer | HttpRefusal.HttpRefusal) => void
): void => {
  const encoding = request.headers["content-encoding"]
  if (encoding !== undefined && encoding !== "identity") {
    request.resume()
    return done(HttpRefusal.unsupportedEncoding(encoding))
  }
  if (Number(request.headers["content-length"] ?? 0) > limit) {
    request.resume()
    return done(HttpRefusal.bodyTooLarge(limit))
  }
  const chunks: Array<Buffer> = []
  let size = 0
  let over = false
  request.on("data", (chunk: Buffer) => {
    size += chunk.length
    if (over) return
    if (size > limit) {
      over = true
      chunks.length = 0
      done(HttpRefusal.bodyTooLarge(limit))
    } else chunks.push(chunk)
  })
  request.on("end", () => {
    const [first] = chunks
    if (!over) done(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks))
  })
  // A client that breaks off is heard of by the response's close.
  request.on("error", () => {})
}

/** A request that arrives too slowly to be thrown away is cut off after this, in ms. */
export const lingering = 10_000

/** Waits until a request that is being thrown away has come to its end, or takes too long. */
export const ended = (request: IncomingMessage): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    if (request.readableEnded) resume(Effect.void)
    else request.once("end", () => resume(Effect.void))
  }).pipe(Effect.timeoutOption(Duration.millis(lingering)), Effect.asVoid)
