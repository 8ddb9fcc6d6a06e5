import * as Schema from "effect/Schema"

/**
 * What becomes of a stream that breaks after its first output: it ends in an error event (`never`), or another candidate
 * goes on with the text so far (`continue`).
 */
export const MidStream = Schema.Literal("never", "continue")
export type MidStream = typeof MidStream.Type
