/**
 * Why a model stopped, in OpenAI's words where it has one. Beyond those: `stop_sequence` (one of the request's `stop`),
 * `refusal` (the model declined), `pause` (a provider's own tool needs another turn), `context_length` (the window is
 * full).
 */
export type FinishReason =
  "stop" | "stop_sequence" | "length" | "tool_calls" | "content_filter" | "refusal" | "pause" | "context_length"

/** Is there more to say than was said? Who asks again may get it. A full window or count is full the next time, too. */
export const cutsShort = (reason: FinishReason): boolean =>
  reason === "content_filter" || reason === "refusal" || reason === "pause"
