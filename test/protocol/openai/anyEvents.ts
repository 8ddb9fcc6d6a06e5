import * as FastCheck from "effect/FastCheck"
import type { ChatEvent } from "../../../src/domain/ChatEvent.js"
import type { FinishReason } from "../../../src/domain/FinishReason.js"
import type { Seal } from "../../../src/domain/Prompt.js"
import type { Usage } from "../../../src/domain/Usage.js"
import * as Fold from "../../../src/protocol/Fold.js"
import * as Seals from "../../../src/protocol/Seals.js"

/** What a list of events says, as OpenAI's dialect can tell it: reasons have fewer words, arguments are never empty. */
export const told = (events: ReadonlyArray<ChatEvent>): ReadonlyArray<Fold.Choice> =>
  Fold.choices(events).map((choice) => {
    const calls = choice.blocks.some(({ _tag }) => _tag === "ToolCall")
    const reason = words[choice.finish]
    return {
      ...choice,
      blocks: choice.blocks.map((block) =>
        block._tag === "ToolCall" && block.arguments === "" ? { ...block, arguments: "{}" } : block
      ),
      finish: reason === "stop" && calls ? "tool_calls" : reason,
      sequence: undefined
    }
  })

/** What a caller reads, with its seals as they were before they were marked for it. */
export const heard = (events: ReadonlyArray<ChatEvent>): ReadonlyArray<Fold.Choice> =>
  Fold.choices(events).map((choice) => ({
    ...choice,
    blocks: choice.blocks.map((block) =>
      "seal" in block && block.seal !== undefined ? { ...block, seal: unmarked(block.seal.value, block._tag) } : block
    )
  }))

const unmarked = (value: string, tag: Fold.Block["_tag"]): Seal => {
  const seal = Seals.read(value, tag === "ToolCall" ? "gemini" : "openrouter")
  // What seals a text of another maker's says which text that is.
  return tag !== "Reasoning" || seal.origin === "openrouter" ? seal : { ...seal, value: seal.value.slice(9) }
}

/** The order in which a whole answer says things: it has one member for each kind of them. */
export const inMembers = (events: ReadonlyArray<ChatEvent>): ReadonlyArray<ChatEvent> =>
  order.flatMap((tags) => events.filter(({ _tag }) => tags.includes(_tag)))

const order: ReadonlyArray<ReadonlyArray<ChatEvent["_tag"]>> = [
  ["Reasoning", "Signature", "Sealed"],
  ["Text"],
  ["Refusal"],
  ["ToolCall"],
  ["Finish"]
]

const words: Readonly<Record<FinishReason, FinishReason>> = {
  stop: "stop",
  stop_sequence: "stop",
  pause: "stop",
  length: "length",
  context_length: "length",
  tool_calls: "tool_calls",
  content_filter: "content_filter",
  refusal: "content_filter"
}

// ---------------------------------------------------------------------------------------------- any answer

const text = FastCheck.string({ unit: "grapheme", minLength: 1, maxLength: 6 })
const seal = FastCheck.record({
  origin: FastCheck.constantFrom("openrouter", "gemini", "an-instance"),
  value: FastCheck.stringMatching(/^[A-Za-z0-9+/]{1,8}={0,2}$/)
})
const index = FastCheck.constantFrom(0, 0, 0, 1, 3)

const said: FastCheck.Arbitrary<ChatEvent> = FastCheck.oneof(
  FastCheck.record({
    _tag: FastCheck.constantFrom(...(["Text", "Text", "Reasoning", "Refusal"] as const)),
    index,
    text
  }),
  FastCheck.record({ _tag: FastCheck.constantFrom(...(["Signature", "Sealed"] as const)), index, seal })
)

/** A piece of one of a choice's calls; which piece it is, its place tells. */
const piece = FastCheck.record({
  index,
  which: FastCheck.nat(2),
  name: FastCheck.stringMatching(/^[a-z]{1,5}$/),
  arguments: FastCheck.constantFrom("", "{", '{"a":', "1}", "{}"),
  seal: FastCheck.option(seal, { nil: undefined })
})

const finish = FastCheck.constantFrom<FinishReason>(
  "stop",
  "stop_sequence",
  "length",
  "tool_calls",
  "content_filter",
  "refusal",
  "pause",
  "context_length"
)

const reasons = FastCheck.array(FastCheck.option(finish), { minLength: 4, maxLength: 4 })

/** The events of any answer of several choices. Each ends with its reason, or says none. */
export const anyEvents: FastCheck.Arbitrary<ReadonlyArray<ChatEvent>> = FastCheck.tuple(
  FastCheck.array(FastCheck.oneof({ weight: 2, arbitrary: said }, piece), { minLength: 1, maxLength: 20 }),
  reasons
).map(([steps, endings]) => {
  const calls = new Map<number, Array<number>>()
  const events = steps.map((step): ChatEvent => {
    if ("_tag" in step) return step
    const known = calls.get(step.index) ?? []
    calls.set(step.index, known)
    const at = known.indexOf(step.which)
    const call = { _tag: "ToolCall", index: step.index, arguments: step.arguments } as const
    if (at >= 0) return { ...call, call: at, id: undefined, name: undefined }
    known.push(step.which)
    const id = `call_${step.index}_${step.which}`
    const first = { ...call, call: known.length - 1, id, name: step.name }
    return step.seal === undefined ? first : { ...first, seal: step.seal }
  })
  const indices = [...new Set(events.map((event) => event.index))]
  return [
    ...events,
    ...indices.flatMap((at): ReadonlyArray<ChatEvent> => {
      const reason = endings[at]
      return reason ? [{ _tag: "Finish", index: at, reason }] : []
    })
  ]
})

export const anyUsage: FastCheck.Arbitrary<Usage | undefined> = FastCheck.option(
  FastCheck.record(
    {
      input: FastCheck.nat(),
      cacheRead: FastCheck.nat(),
      cacheWrite: FastCheck.nat(),
      output: FastCheck.nat(),
      reasoning: FastCheck.nat(),
      inputAudio: FastCheck.integer({ min: 1, max: 1_000_000 }),
      cacheReadAudio: FastCheck.integer({ min: 1, max: 1_000_000 }),
      outputAudio: FastCheck.integer({ min: 1, max: 1_000_000 })
    },
    { requiredKeys: ["input", "cacheRead", "cacheWrite", "output", "reasoning"] }
  ),
  { nil: undefined }
)
