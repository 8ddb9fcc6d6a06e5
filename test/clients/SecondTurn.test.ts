import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { JsonObject } from "../../src/protocol/Dialects.js"
import { serve } from "../support/server.js"
import { instance, model, settings } from "../support/settings.js"
import type { Loop } from "./loops/Loop.js"
import { loops } from "./loops/loops.js"
import { answer, image, said } from "./loops/task.js"
import { compatible } from "./vendors/compatible.js"
import { native } from "./vendors/native.js"
import { serving, type Behind } from "./vendors/serving.js"
import type { Vendor } from "./vendors/Vendor.js"

const vendors: ReadonlyArray<Vendor> = [...compatible, ...native]

/** A program and the vendor that answers it first. */
interface Beginning {
  readonly loop: Loop
  readonly first: Vendor
  readonly id: string
}

/** One that another vendor goes on with. */
interface Cell extends Beginning {
  readonly second: Vendor
}

const beginnings: ReadonlyArray<Beginning> = loops.flatMap((loop, row) =>
  vendors.map((first, column) => ({ loop, first, id: `${row}-${column}` }))
)

const cellsOf = (beginning: Beginning): ReadonlyArray<Cell> =>
  vendors.map((second, at) => ({ ...beginning, second, id: `${beginning.id}-${at}` }))

/** One gateway in front of all vendors: each answers the first request of a beginning, and is down from then on. */
class Gateway extends Context.Tag("test/SecondTurn")<
  Gateway,
  {
    readonly url: string
    /** The last request that arrived behind a path. */
    readonly arrived: ReadonlyMap<string, JsonObject>
  }
>() {
  static readonly layer = Layer.scoped(
    Gateway,
    Effect.gen(function* () {
      const arrived = new Map<string, JsonObject>()
      const behind = new Map<string, Behind>()
      const origin = yield* serving(
        (path) => {
          const found = behind.get(path)
          if (path.startsWith("first-")) behind.delete(path)
          return found
        },
        (path, request) => arrived.set(path, request)
      )
      const served = (id: string, { instance: { accountId, dialect, provider } }: Vendor) => {
        const made = instance(id, { provider, dialect, accountId, baseUrl: `${origin}/${id}` })
        return { ...made, retry: { ...made.retry, maxAttempts: 1 } }
      }
      const target = (id: string, vendor: Vendor) => ({ instance: id, model: vendor.model, catch: undefined })
      const instances = beginnings.flatMap((beginning) => {
        const { first, id } = beginning
        behind.set(`first-${id}`, first.calling)
        const seconds = cellsOf(beginning).map((cell) => {
          behind.set(`second-${cell.id}`, cell.second.answering)
          return served(`second-${cell.id}`, cell.second)
        })
        return [served(`first-${id}`, first), ...seconds]
      })
      const models = beginnings.flatMap((beginning) => {
        const first = target(`first-${beginning.id}`, beginning.first)
        const goingOn = cellsOf(beginning).map(({ id, second }) => model(id, [first, target(`second-${id}`, second)]))
        return [model(beginning.id, [first]), ...goingOn]
      })
      const { url } = yield* serve("standalone", settings({ instances, models }))
      return { url, arrived }
    })
  )
}

/** What speaks against a request that went on with a conversation. */
const against = (
  { first, loop, second }: Cell,
  heard: string,
  request: JsonObject | undefined
): ReadonlyArray<string> => {
  if (request === undefined) return [`it never arrived; the program heard: ${heard}`]
  // Without the tools, whose names are there anyway.
  const text = JSON.stringify(request["messages"] ?? request["contents"])
  return [
    ...second.rules(request),
    ...said.filter((words) => !text.includes(words)).map((words) => `it does not say: ${words}`),
    ...(loop.shows && !text.includes(image) ? ["it does not show the picture"] : []),
    ...(first === second && loop.keeps.some((signer) => signer === first.name)
      ? first.signatures.filter((signature) => !text.includes(signature)).map(() => "its own signature is lost")
      : []),
    ...(heard === answer ? [] : [`the program heard: ${heard}`])
  ]
}

layer(Gateway.layer, { excludeTestServices: true })("a conversation", (it) => {
  for (const beginning of beginnings) {
    const { first, id, loop } = beginning

    it.effect(`that ${first.name} began goes on with another instance of every vendor, for ${loop.name}`, () =>
      Effect.gen(function* () {
        const { arrived, url } = yield* Gateway
        const goOn = yield* Effect.promise(() => loop.begin(url, id))
        const complaints = yield* Effect.forEach(
          cellsOf(beginning),
          (cell) =>
            Effect.promise(async () => {
              const heard = await goOn(cell.id).catch(String)
              return against(cell, heard, arrived.get(`second-${cell.id}`)).map(
                (each) => `${cell.second.name}: ${each}`
              )
            }),
          { concurrency: 4 }
        )
        assert.strictEqual(complaints.flat().join("\n"), "")
      })
    )
  }
})
