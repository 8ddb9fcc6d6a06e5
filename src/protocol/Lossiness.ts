/**
 * What a prompt can lose on its way into another dialect. Each is a thing that the caller asked for and that the candidate
 * is not told.
 */
export type Lost =
  | "audio"
  | "cache_control"
  | "choices"
  | "documents"
  | "format"
  | "format_schema"
  | "frequency_penalty"
  | "image_detail"
  | "image_urls"
  | "images"
  | "parallel_tools"
  | "presence_penalty"
  /** Reasoning of earlier turns: it is not replayed to an endpoint that did not make it. */
  | "reasoning_history"
  | "seed"
  | "stop"
  | "strict_tools"
  /** A system message in the middle becomes the user's. */
  | "system_position"
  | "temperature"
  | "thinking"
  | "thinking_budget"
  | "tool_choice"
  | "tool_errors"
  | "tool_schema"
  | "tools"
  | "top_k"
  | "top_p"
  | "user"
  | Foreign

/** A member or a part of the caller's own dialect, by its name there. */
export type Foreign = `foreign:${string}`

/** What is lost that has a meaning in the caller's own dialect only. */
export const foreign = (names: Iterable<string>): ReadonlyArray<Foreign> =>
  [...names].map((name): Foreign => `foreign:${name}`)
