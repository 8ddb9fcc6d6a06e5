import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { buffer } from "node:stream/consumers"
import type { JsonObject } from "../../../src/protocol/Dialects.js"
import * as Json from "../../../src/protocol/Json.js"
import { listen } from "../../support/upstream.js"
import type { Answer } from "./Vendor.js"

/** What is behind one path: an answer, or a vendor that is down. */
export type Behind = Answer | undefined

/** Fake vendors on one origin, a path each; `received` hears of every request. */
export const serving = (
  behind: (path: string) => Behind,
  received: (path: string, request: JsonObject) => void
): Effect.Effect<string, never, Scope.Scope> =>
  listen((incoming, response) => {
    const [, path = "", ...rest] = (incoming.url ?? "").split("/")
    const answer = async (): Promise<void> => {
      const request = Json.record(JSON.parse((await buffer(incoming)).toString()))
      received(path, request)
      const found = behind(path)
      const streams = request["stream"] === true || rest.join("/").includes(":streamGenerateContent")
      const headers = { "content-type": streams && found !== undefined ? "text/event-stream" : "application/json" }
      response.writeHead(found === undefined ? 503 : 200, headers)
      if (found === undefined) response.end('{"error":{"message":"down"}}')
      else response.end(streams ? found.stream.join("") : JSON.stringify(found.whole))
    }
    answer().catch(() => response.destroy())
  })
