import * as FastCheck from "effect/FastCheck"
import type { CacheMark, Message, Part, Prompt, Source } from "../../../src/domain/Prompt.js"
import { assistant, user } from "../../support/turns.js"

type Of<Tag extends Part["_tag"]> = Part & { readonly _tag: Tag }

const optional = <A>(value: FastCheck.Arbitrary<A>) => FastCheck.option(value, { nil: undefined })
const rarely = <A>(value: FastCheck.Arbitrary<A>) => FastCheck.option(value, { nil: undefined, freq: 3 })
const tag = <Tag extends string>(name: Tag) => FastCheck.constant(name)

const words = FastCheck.oneof(
  { weight: 9, arbitrary: FastCheck.string({ unit: "grapheme", minLength: 1, maxLength: 6 }) },
  { weight: 1, arbitrary: FastCheck.constantFrom("", " ", "\n\t") }
)
const cache: FastCheck.Arbitrary<CacheMark | undefined> = FastCheck.option(
  FastCheck.record({ ttl: FastCheck.constantFrom("5m" as const, "1h" as const) }),
  { nil: undefined, freq: 8 }
)
const seal = FastCheck.record({
  origin: FastCheck.constantFrom("anthropic", "anthropic", "gemini", "an-instance"),
  value: FastCheck.base64String({ minLength: 4, maxLength: 8 })
})

const bytes = (...mediaTypes: ReadonlyArray<string>): FastCheck.Arbitrary<Source> =>
  FastCheck.record({
    _tag: tag("Base64"),
    mediaType: FastCheck.constantFrom(...mediaTypes),
    data: FastCheck.base64String({ maxLength: 8 })
  })
const url: FastCheck.Arbitrary<Source> = FastCheck.record({
  _tag: tag("Url"),
  url: FastCheck.constantFrom("https://a.test/b", "http://a.test/b", "s3://a/b")
})
const plain: FastCheck.Arbitrary<Source> = FastCheck.record({ _tag: tag("PlainText"), text: words })

const text: FastCheck.Arbitrary<Of<"Text">> = FastCheck.record({ _tag: tag("Text"), text: words, cache })
const image: FastCheck.Arbitrary<Of<"Image">> = FastCheck.record({
  _tag: tag("Image"),
  source: FastCheck.oneof(bytes("image/png", "image/webp", "image/bmp"), url, plain),
  detail: rarely(FastCheck.constant("low")),
  cache
})
const document: FastCheck.Arbitrary<Of<"Document">> = FastCheck.record({
  _tag: tag("Document"),
  source: FastCheck.oneof(bytes("application/pdf", "application/zip"), url, plain),
  name: optional(FastCheck.constant("a.pdf")),
  cache
})
const audio: FastCheck.Arbitrary<Of<"Audio">> = FastCheck.record({
  _tag: tag("Audio"),
  format: tag("wav"),
  data: tag("aGk=")
})
const foreign: FastCheck.Arbitrary<Of<"Foreign">> = FastCheck.record({
  _tag: tag("Foreign"),
  kind: FastCheck.constantFrom("video", "web_search")
})

const shown = FastCheck.oneof(
  { weight: 6, arbitrary: text },
  { weight: 3, arbitrary: image },
  { weight: 3, arbitrary: document },
  { weight: 1, arbitrary: audio },
  { weight: 1, arbitrary: foreign }
)

const said: FastCheck.Arbitrary<Part> = FastCheck.oneof(
  text,
  FastCheck.record({ _tag: tag("Refusal"), text: words }),
  FastCheck.record({ _tag: tag("Reasoning"), text: words, seal: optional(seal) }),
  FastCheck.record({ _tag: tag("Sealed"), seal }),
  foreign
)

/** A call and, later, what came of it. */
const call = FastCheck.tuple(
  FastCheck.record({
    name: FastCheck.constantFrom("look", "go"),
    arguments: FastCheck.dictionary(FastCheck.stringMatching(/^[a-z]{1,3}$/), FastCheck.integer(), { maxKeys: 2 }).map(
      (input) => JSON.stringify(input)
    ),
    seal: rarely(FastCheck.record({ origin: FastCheck.constantFrom("gemini"), value: tag("s") })),
    cache
  }),
  FastCheck.record({ parts: FastCheck.array(shown, { maxLength: 2 }), failed: FastCheck.boolean(), cache })
)

const exchange = FastCheck.record({
  asked: FastCheck.array(shown, { maxLength: 3 }),
  said: FastCheck.array(said, { maxLength: 3 }),
  calls: FastCheck.array(call, { maxLength: 2 })
})

/** A system prompt, then user and assistant by turns, each call answered. */
const messages: FastCheck.Arbitrary<ReadonlyArray<Message>> = FastCheck.tuple(
  FastCheck.array(text, { maxLength: 2 }),
  FastCheck.array(exchange, { maxLength: 4 })
).map(([system, exchanges]) => {
  let count = 0
  const turns = exchanges.flatMap(({ asked, calls, said: own }) => {
    const ids = calls.map(() => `call_${++count}`)
    const named = calls.map(([made], at): Part => ({ _tag: "ToolCall", id: ids[at] ?? "", ...made }))
    const results = calls.map(([{ name }, result], at): Part => ({
      _tag: "ToolResult",
      id: ids[at] ?? "",
      name,
      ...result
    }))
    return [user(...asked), assistant(...own, ...named), ...(results.length === 0 ? [] : [user(...results)])]
  })
  const begin = user({ _tag: "Text", text: "Hi", cache: undefined })
  return [...(system.length === 0 ? [] : [{ role: "system", parts: system } as const]), begin, ...turns]
})

const schema = FastCheck.constantFrom(
  { type: "object", properties: { a: { type: "string" } }, required: ["a"], additionalProperties: false },
  { type: "object", properties: { a: { type: "integer", minimum: 1 } }, additionalProperties: false },
  { type: "object", additionalProperties: true }
)

const number = (max: number) => FastCheck.double({ min: 0, max, noNaN: true })

/** Any prompt: what Anthropic can say, and a few things that it cannot. */
export const anyPrompt: FastCheck.Arbitrary<Prompt> = FastCheck.record({
  messages,
  tools: FastCheck.array(
    FastCheck.record({
      name: FastCheck.constantFrom("look", "go"),
      description: optional(words),
      parameters: schema,
      strict: optional(FastCheck.boolean()),
      cache
    }),
    { maxLength: 2 }
  ),
  toolChoice: optional(
    FastCheck.constantFrom<NonNullable<Prompt["toolChoice"]>>(
      { _tag: "Auto" },
      { _tag: "None" },
      { _tag: "Required" },
      { _tag: "Tool", name: "look" }
    )
  ),
  parallelTools: optional(FastCheck.boolean()),
  format: rarely(
    FastCheck.oneof(
      FastCheck.constant({ _tag: "Json" } as const),
      FastCheck.record({
        _tag: tag("JsonSchema"),
        name: optional(FastCheck.constant("answer")),
        description: FastCheck.constant(undefined),
        schema,
        strict: optional(FastCheck.boolean())
      })
    )
  ),
  maxTokens: optional(FastCheck.integer({ min: 1, max: 4_000 })),
  temperature: optional(number(2)),
  topP: optional(number(1)),
  topK: optional(FastCheck.nat(100)),
  stop: FastCheck.array(words, { maxLength: 2 }),
  seed: rarely(FastCheck.nat()),
  presencePenalty: rarely(number(2)),
  frequencyPenalty: rarely(number(2)),
  choices: rarely(FastCheck.integer({ min: 1, max: 2 })),
  thinking: optional(
    FastCheck.record({
      enabled: FastCheck.boolean(),
      effort: optional(FastCheck.constantFrom("minimal", "low", "high", "odd")),
      budgetTokens: optional(FastCheck.integer({ min: 1_024, max: 3_000 }))
    })
  ),
  user: optional(FastCheck.constantFrom("u-1", "u".repeat(300))),
  foreign: FastCheck.array(FastCheck.constantFrom("logit_bias", "tools.web_search"), { maxLength: 1 })
}).map((asked) => {
  // Nobody chooses a tool that there is not.
  const chosen = asked.toolChoice?._tag === "Tool" ? asked.toolChoice.name : undefined
  const declared = chosen === undefined || asked.tools.some(({ name }) => name === chosen)
  return declared ? asked : { ...asked, toolChoice: undefined }
})
