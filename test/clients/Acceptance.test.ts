import { assert, describe, it, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { everyCase, note } from "../recorded/cases.js"
import { exceptionOf, exceptions, type Exception } from "../recorded/exceptions.js"
import { replayed, replaying, servedAs } from "../recorded/replay.js"
import { serve, type Running } from "../support/server.js"
import { model, settings } from "../support/settings.js"
import { askersOf } from "./askers.js"

/** One cell of the table that `npm run acceptance` prints: `wrong` is what speaks against the case. */
interface Cell {
  readonly column: string
  readonly wrong: string | undefined
  readonly exception: string | undefined
}

declare module "vitest" {
  interface TaskMeta {
    acceptance?: { readonly file: string; readonly cells: ReadonlyArray<Cell> }
    /** Cases by dialect. */
    unserved?: Readonly<Record<string, number>>
  }
}

const rows = everyCase.flatMap((recorded, position) => {
  const served = servedAs(recorded)
  if (served === undefined) return []
  const asked = askersOf(recorded, served).map((asker, turn) => ({ ...asker, id: `case-${position}-${turn}` }))
  return [{ recorded, position, served, asked }]
})

/** One gateway in front of all cases. */
class Gateway extends Context.Tag("test/Acceptance")<Gateway, Running>() {
  static readonly layer = Layer.scoped(
    Gateway,
    Effect.gen(function* () {
      const origin = yield* replayed(everyCase)
      const instances = rows.flatMap(({ asked, position, served }) =>
        asked.map(({ id }) => replaying(id, origin, position, served))
      )
      const models = instances.map(({ id }) => model(id, [id]))
      return yield* serve("standalone", settings({ instances, models }))
    })
  )
}

const used = new Set<Exception>()
const idle = new Set<Exception>()

layer(Gateway.layer, { excludeTestServices: true })(`recorded and composed answers${note}`, (it) => {
  for (const { asked, recorded } of rows) {
    const { category, dialect, file } = recorded
    const what = category === undefined ? "accepted, with all that it says, by" : `${category} to`

    it.effect(`${file} (${dialect}) is ${what} every client`, ({ task }) =>
      Effect.gen(function* () {
        const gateway = yield* Gateway
        const cells = yield* Effect.forEach(
          asked,
          ({ ask, column, id }) =>
            Effect.map(ask(gateway, id), (wrong): Cell => {
              const exception = exceptionOf(recorded, column)
              if (exception !== undefined) (wrong === undefined ? idle : used).add(exception)
              return { column, wrong, exception: exception?.reason }
            }),
          { concurrency: 4 }
        )
        task.meta.acceptance = { file, cells }
        const against = cells.filter(({ exception, wrong }) => wrong !== undefined && exception === undefined)
        assert.deepStrictEqual(
          against.map(({ column, wrong }) => `${column}: ${wrong}`),
          []
        )
      })
    )
  }
})

describe("the acceptance table", () => {
  it("has no exception that is needed no more", () => {
    assert.deepStrictEqual(
      exceptions.filter((exception) => idle.has(exception) && !used.has(exception)),
      []
    )
  })

  it("leaves out only the dialects that are not served", ({ task }) => {
    const unserved = everyCase.filter((recorded) => servedAs(recorded) === undefined).map(({ dialect }) => dialect)
    const counted = [...new Set(unserved)].map((dialect) => [dialect, unserved.filter((one) => one === dialect).length])
    task.meta.unserved = Object.fromEntries(counted)
    const known = new Set(["openai-responses", "cohere-chat", "ollama-api-generate"])
    assert.deepStrictEqual(
      unserved.filter((dialect) => !known.has(dialect)),
      []
    )
  })
})
