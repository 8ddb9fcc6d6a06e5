import * as Effect from "effect/Effect"
import type { Case } from "../recorded/cases.js"
import type { Served } from "../recorded/replay.js"
import { said } from "../recorded/said.js"
import type { Running } from "../support/server.js"
import type { Reader } from "./Client.js"
import { clients } from "./clients.js"
import { plain } from "./plain.js"
import { verdict } from "./verdict.js"
import { wrongOnTheWire } from "./wire.js"

/** Somebody who asks for a case, and what it has to say against the answer. */
export interface Asker {
  readonly column: string
  readonly ask: (gateway: Running, model: string) => Effect.Effect<string | undefined>
}

/** Every client of the fronts, and for an error also the bare wire. */
export const askersOf = (recorded: Case, { fronts }: Served): ReadonlyArray<Asker> => {
  const { category, streaming } = recorded
  const tools = category === undefined ? said(recorded).calls.map(({ name }) => name) : []
  const base64 = recorded.dialect === "openai-embeddings" && /"embedding": ?"/.test(recorded.body.toString())
  const fit = ({ front, name, streamed }: Reader) =>
    fronts.includes(front) && !(streaming && streamed === undefined) && !(base64 && name.startsWith("ai "))
  return [
    ...readers.filter(fit).map((reader) => {
      const ask = (streaming ? reader.streamed : undefined) ?? reader.whole
      return {
        column: reader.name,
        ask: (gateway: Running, id: string) =>
          Effect.map(
            Effect.either(
              Effect.tryPromise({
                try: () => ask({ url: gateway.url, model: id, tools, base64 }),
                catch: (error) => error
              })
            ),
            (heard) => verdict(reader, recorded, heard)
          )
      }
    }),
    ...(category === undefined
      ? []
      : fronts.map((front) => ({
          column: `bytes of ${front}`,
          ask: (gateway: Running, id: string) => wrongOnTheWire(gateway, front, id, recorded, category)
        })))
  ]
}

const readers: ReadonlyArray<Reader> = [...clients, ...plain()]
