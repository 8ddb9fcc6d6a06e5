import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import { inspect } from "node:util"
import * as Yaml from "yaml"
import { loading } from "./loading.js"

const key = FastCheck.stringMatching(/^sk-[A-Za-z0-9_-]{8,40}$/)

/** A file with the key in two instances, and much that can be broken. */
const fileWith = (secret: string) => ({
  instances: [
    { id: "a", provider: "openai", apiKey: secret, baseUrl: "https://a.example/v1", timeouts: { connect: "5s" } },
    {
      id: "b",
      provider: "azure",
      apiKey: secret,
      baseUrl: "https://b.example",
      apiVersion: "2024-10-21",
      models: ["m"]
    }
  ],
  models: [{ id: "m", aliases: ["n"], targets: [{ instance: "a", model: "m", catch: ["all"] }] }],
  tasks: { default: "m" },
  routing: { strategy: "priority", deadline: "5s" },
  server: { host: "127.0.0.1", port: 3000, bodyLimit: "1MiB" },
  log: { level: "info" }
})

type Path = ReadonlyArray<string | number>

const pathsOf = (value: unknown, path: Path = []): ReadonlyArray<Path> =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([name, child]) => {
        const below = [...path, Array.isArray(value) ? Number(name) : name]
        return [below, ...pathsOf(child, below)]
      })
    : []

/** Everywhere but the keys themselves and what holds them. */
const places = pathsOf(fileWith("")).filter(
  (path) => path.at(-1) !== "apiKey" && (path[0] !== "instances" || path.length > 2)
)

const hows = ["as the value", "as the name of the field", "inside a URL", "as a variable's name"] as const

interface Mishap {
  readonly place: Path
  readonly how: (typeof hows)[number]
}

/** Somebody pastes the key where it does not belong. */
const mishap: FastCheck.Arbitrary<Mishap> = FastCheck.record({
  place: FastCheck.constantFrom(...places),
  how: FastCheck.constantFrom(...hows)
})

const spoil = (document: Yaml.Document, secret: string, { how, place }: Mishap): void => {
  if (!document.hasIn(place)) return
  switch (how) {
    case "as the value":
      return document.setIn(place, secret)
    case "inside a URL":
      return document.setIn(place, `https://user:${secret}@example.com/?key=${secret}`)
    case "as a variable's name":
      return document.setIn(place, `\${${secret.replaceAll("-", "_")}}\${${secret}}`)
    case "as the name of the field":
      return document.setIn([...place.slice(0, -1), typeof place.at(-1) === "number" ? place.at(-1) : secret], 1)
  }
}

const shown = (outcome: Either.Either<unknown, { readonly message: string }>): string =>
  Either.match(outcome, {
    onLeft: (error) => error.message + JSON.stringify(error),
    onRight: (settings) => inspect(settings, { depth: 9 }) + JSON.stringify(settings)
  })

describe("no error shows a key", () => {
  it.effect.prop(
    "whatever is wrong with the file, and wherever else the key was pasted",
    [key, FastCheck.array(mishap, { minLength: 1, maxLength: 6 })],
    ([secret, mishaps]) =>
      Effect.gen(function* () {
        const document = new Yaml.Document(fileWith(secret))
        for (const each of mishaps) spoil(document, secret, each)
        const outcome = yield* Effect.either(loading({ file: document.toString() }))
        if (Either.isLeft(outcome)) assert.notInclude(shown(outcome), secret)
      })
  )

  it.effect.prop(
    "whatever is wrong with the syntax of the file",
    [key, FastCheck.nat(), FastCheck.constantFrom("", "{", "\t", "*", "!", '"', "\n", ": ", "- ", "[", "@", "? ")],
    ([secret, at, junk]) =>
      Effect.gen(function* () {
        const text = new Yaml.Document(fileWith(secret)).toString()
        const cut = at % text.length
        for (const file of [text.slice(0, cut) + junk + text.slice(cut), text.slice(0, cut) + junk]) {
          const outcome = yield* Effect.either(loading({ file }))
          if (Either.isLeft(outcome)) assert.notInclude(shown(outcome), secret)
        }
      })
  )

  it.effect.prop(
    "whatever is wrong with the environment",
    [
      key,
      FastCheck.array(
        FastCheck.constantFrom("PORT", "HOST", "LOG_LEVEL", "NODE_ENV", "OPENAI_BASE_URL", "AZURE_API_VERSION")
      )
    ],
    ([secret, wrong]) =>
      Effect.gen(function* () {
        const keys = { OPENAI_API_KEY: secret, AZURE_API_KEY: `${secret} `, OPENROUTER_API_KEY: `a ${secret}` }
        const env = { ...keys, ...Object.fromEntries(wrong.map((name) => [name, secret])) }
        const outcome = yield* Effect.either(loading({ env, file: `instances: [{ id: ${secret}, provider: x }]` }))
        assert.isTrue(Either.isLeft(outcome))
        assert.notInclude(shown(outcome), secret)
      })
  )

  it.effect("and settings that are printed show none either", () =>
    Effect.gen(function* () {
      const secret = "sk-not-to-be-seen"
      const env = { OPENAI_API_KEY: secret, ORELSE_ADMIN_KEY: secret }
      assert.notInclude(shown(yield* Effect.either(loading({ env }))), secret)
    })
  )
})
