import * as FastCheck from "effect/FastCheck"
import type { CacheMark, Message, Part, Prompt, Seal, Source } from "../../../src/domain/Prompt.js"
import { prompt } from "../../support/turns.js"

const optional = <A>(value: FastCheck.Arbitrary<A>): FastCheck.Arbitrary<A | undefined> =>
  FastCheck.option(value, { nil: undefined })

/** Seldom, so that most prompts lose little. */
const seldom = <A>(value: FastCheck.Arbitrary<A>): FastCheck.Arbitrary<A | undefined> =>
  FastCheck.oneof({ weight: 11, arbitrary: FastCheck.constant(undefined) }, value)

/** A part of this kind. */
const part = <Tag extends Part["_tag"], Members extends object>(_tag: Tag, members: FastCheck.Arbitrary<Members>) =>
  members.map((each) => ({ _tag, ...each }))

const words = FastCheck.string({ unit: "grapheme", minLength: 1, maxLength: 6 })
const word = FastCheck.stringMatching(/^[a-z]{1,6}$/)
const base64 = FastCheck.base64String({ maxLength: 8 })
const cache = seldom(FastCheck.constantFrom<CacheMark>({ ttl: "5m" }, { ttl: "1h" }))

const source = (mediaType: string): FastCheck.Arbitrary<Source> =>
  FastCheck.oneof(
    base64.map((data) => ({ _tag: "Base64", mediaType, data }) as const),
    FastCheck.webUrl().map((url) => ({ _tag: "Url", url }) as const)
  )

const sealBy = (...origins: ReadonlyArray<string>): FastCheck.Arbitrary<Seal> =>
  FastCheck.record({
    origin: FastCheck.constantFrom(...origins),
    value: FastCheck.stringMatching(/^[A-Za-z0-9]{1,6}$/)
  })

const text = part("Text", FastCheck.record({ text: words, cache }))

/** What a user shows. Documents elsewhere and parts of other dialects are lost. */
const shown: FastCheck.Arbitrary<Part> = FastCheck.oneof(
  { weight: 12, arbitrary: text },
  {
    weight: 6,
    arbitrary: part(
      "Image",
      FastCheck.record({ source: source("image/png"), detail: optional(FastCheck.constantFrom("low", "high")), cache })
    )
  },
  part("Document", FastCheck.record({ source: source("application/pdf"), name: optional(word), cache })),
  part("Audio", FastCheck.record({ format: FastCheck.constantFrom("wav", "mp3"), data: base64 })),
  part("Foreign", FastCheck.record({ kind: FastCheck.constantFrom("search_result", "video_url") }))
)

const mostlyOpenRouters = [...Array.from({ length: 9 }, () => "openrouter"), "anthropic"]

const thought: FastCheck.Arbitrary<Part> = FastCheck.oneof(
  part(
    "Reasoning",
    FastCheck.record({ text: words, seal: FastCheck.option(sealBy(...mostlyOpenRouters), { nil: undefined, freq: 9 }) })
  ),
  part("Sealed", FastCheck.record({ seal: sealBy(...mostlyOpenRouters) }))
)

/** A call, and what the tool gave if it was asked. */
const calls = FastCheck.array(
  FastCheck.record({
    name: word,
    arguments: FastCheck.constantFrom("", "{}", '{"a":1}', "no JSON"),
    seal: seldom(sealBy("gemini", "anthropic")),
    cache,
    answer: FastCheck.record({
      parts: FastCheck.array(text, { maxLength: 2 }),
      failed: seldom(FastCheck.constant(true)).map((failed) => failed ?? false),
      cache
    })
  }),
  { maxLength: 3 }
)

type Step =
  | { readonly _tag: "said"; readonly message: Message }
  | {
      readonly _tag: "turn"
      readonly parts: ReadonlyArray<Part>
      readonly made: typeof calls extends FastCheck.Arbitrary<infer A> ? A : never
      readonly after: ReadonlyArray<Part>
    }

const step: FastCheck.Arbitrary<Step> = FastCheck.oneof(
  FastCheck.record({
    _tag: FastCheck.constant("said" as const),
    message: FastCheck.oneof(
      FastCheck.record({
        role: FastCheck.constant("system" as const),
        parts: FastCheck.array(text, { minLength: 1, maxLength: 2 })
      }),
      FastCheck.record({ role: FastCheck.constant("user" as const), parts: FastCheck.array(shown, { maxLength: 3 }) })
    )
  }),
  FastCheck.record({
    _tag: FastCheck.constant("turn" as const),
    parts: FastCheck.array(FastCheck.oneof(thought, text, part("Refusal", FastCheck.record({ text: words }))), {
      maxLength: 4
    }),
    made: calls,
    after: FastCheck.array(shown, { maxLength: 2 })
  })
)

/** Calls have ids of their own, and results come right after them, as every dialect demands. */
const messagesOf = (steps: ReadonlyArray<Step>): ReadonlyArray<Message> =>
  steps.flatMap((each, at): ReadonlyArray<Message> => {
    if (each._tag === "said") return [each.message]
    const { after, made, parts } = each
    const id = (position: number) => `call_${at}_${position}`
    const called = made.map(
      ({ answer: _answer, ...call }, position) => ({ _tag: "ToolCall", id: id(position), ...call }) as const
    )
    const results = made.map(
      ({ answer, name }, position) => ({ _tag: "ToolResult", id: id(position), name, ...answer }) as const
    )
    const answered: Message = { role: "user", parts: [...results, ...after] }
    return [{ role: "assistant", parts: [...parts, ...called] }, ...(results.length === 0 ? [] : [answered])]
  })

const json = FastCheck.dictionary(
  word,
  FastCheck.oneof(
    FastCheck.boolean(),
    FastCheck.integer(),
    FastCheck.constant(null),
    FastCheck.array(words, { maxLength: 2 })
  ),
  { maxKeys: 3 }
)

const tool = FastCheck.record({
  name: word,
  description: optional(words),
  parameters: optional(json),
  strict: optional(FastCheck.boolean()),
  cache
})

const tenths = (most: number) => optional(FastCheck.integer({ min: 0, max: most * 10 }).map((tenth) => tenth / 10))
const count = optional(FastCheck.integer({ min: 1, max: 100_000 }))

/** A prompt that OpenAI's dialect can say, but for a few things that are lost. */
export const anyPrompt: FastCheck.Arbitrary<Prompt> = FastCheck.record({
  messages: FastCheck.array(step, { maxLength: 4 }).map(messagesOf),
  tools: FastCheck.uniqueArray(tool, { maxLength: 2, selector: ({ name }) => name }),
  chosen: optional(FastCheck.constantFrom(...(["Auto", "None", "Required", "Tool"] as const))),
  parallelTools: optional(FastCheck.boolean()),
  format: optional(
    FastCheck.oneof(
      FastCheck.constant({ _tag: "Json" } as const),
      FastCheck.record({
        _tag: FastCheck.constant("JsonSchema" as const),
        name: optional(word),
        description: optional(words),
        schema: json,
        strict: optional(FastCheck.boolean())
      })
    )
  ),
  maxTokens: count,
  temperature: tenths(2),
  topP: tenths(1),
  topK: seldom(count),
  stop: FastCheck.oneof(
    { weight: 11, arbitrary: FastCheck.array(words, { maxLength: 4 }) },
    FastCheck.array(words, { minLength: 5, maxLength: 6 })
  ),
  seed: count,
  presencePenalty: tenths(2),
  frequencyPenalty: tenths(2),
  choices: optional(FastCheck.integer({ min: 1, max: 3 })),
  thinking: optional(
    FastCheck.record({
      enabled: FastCheck.boolean(),
      effort: optional(FastCheck.constantFrom("minimal", "low", "medium", "high", "max")),
      budgetTokens: count
    })
  ),
  user: optional(word),
  foreign: seldom(FastCheck.subarray(["logit_bias", "container"])).map((names) => names ?? [])
}).map(({ chosen, ...asked }) => {
  const [first] = asked.tools
  return prompt({ ...asked, toolChoice: chosen === "Tool" ? choiceOf(first?.name) : chosen && { _tag: chosen } })
})

const choiceOf = (name: string | undefined): Prompt["toolChoice"] =>
  name === undefined ? undefined : { _tag: "Tool", name }
