import type { ChatEvent } from "../domain/ChatEvent.js"
import type { FinishReason } from "../domain/FinishReason.js"
import type { Seal } from "../domain/Prompt.js"

/** A part of an answer, whole. */
export type Block =
  | { readonly _tag: "Text"; readonly text: string }
  | { readonly _tag: "Reasoning"; readonly text: string; readonly seal: Seal | undefined }
  | { readonly _tag: "Sealed"; readonly seal: Seal }
  | { readonly _tag: "Refusal"; readonly text: string }
  | {
      readonly _tag: "ToolCall"
      readonly call: number
      readonly id: string
      readonly name: string
      readonly arguments: string
      readonly seal: Seal | undefined
    }

/** One choice of an answer. */
export interface Choice {
  readonly index: number
  readonly blocks: ReadonlyArray<Block>
  readonly finish: FinishReason
  readonly sequence: string | undefined
}

/** The choices that these events make, in the order of their indices; at least one. */
export const choices = (events: ReadonlyArray<ChatEvent>): ReadonlyArray<Choice> => {
  const indices = [...new Set(events.map(({ index }) => index))].toSorted((a, b) => a - b)
  return (indices.length === 0 ? [0] : indices).map((index) =>
    choice(
      index,
      events.filter((event) => event.index === index)
    )
  )
}

const choice = (index: number, events: ReadonlyArray<ChatEvent>): Choice => {
  const blocks: Array<Block> = []
  let finish: FinishReason = "stop"
  let sequence: string | undefined
  for (const event of events) {
    if (event._tag === "Finish") {
      finish = event.reason
      sequence = event.sequence
    } else if (event._tag === "ToolCall") addCall(blocks, event)
    else addBlock(blocks, event)
  }
  return { index, blocks, finish, sequence }
}

type Said = Exclude<ChatEvent, { readonly _tag: "Finish" | "ToolCall" }>

const addBlock = (blocks: Array<Block>, event: Said): void => {
  const last = blocks.at(-1)
  if (event._tag === "Sealed") blocks.push({ _tag: "Sealed", seal: event.seal })
  else if (event._tag === "Signature") {
    if (last?._tag === "Reasoning" && last.seal === undefined) blocks.splice(-1, 1, { ...last, seal: event.seal })
    else blocks.push({ _tag: "Reasoning", text: "", seal: event.seal })
  } else if (event._tag === "Reasoning") {
    // What follows on a signature is another thought.
    if (last?._tag === "Reasoning" && last.seal === undefined) {
      blocks.splice(-1, 1, { ...last, text: last.text + event.text })
    } else blocks.push({ _tag: "Reasoning", text: event.text, seal: undefined })
  } else if (last?._tag === event._tag) blocks.splice(-1, 1, { _tag: event._tag, text: last.text + event.text })
  else blocks.push({ _tag: event._tag, text: event.text })
}

const addCall = (blocks: Array<Block>, event: ChatEvent & { readonly _tag: "ToolCall" }): void => {
  const at = blocks.findIndex((block) => block._tag === "ToolCall" && block.call === event.call)
  const before = blocks[at]
  if (before?._tag !== "ToolCall") {
    const { arguments: args, call, id, name, seal } = event
    blocks.push({ _tag: "ToolCall", call, id: id ?? "", name: name ?? "", arguments: args, seal })
  } else {
    blocks[at] = { ...before, arguments: before.arguments + event.arguments, seal: before.seal ?? event.seal }
  }
}
