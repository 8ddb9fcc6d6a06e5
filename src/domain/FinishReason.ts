/**
 * Why a model stopped, in OpenAI's words where it has one. Beyond those: `stop_sequence` (one of the request's `stop`),
 * `refusal` (the model declined), `pause` (a provider's own tool needs another turn), `context_length` (the window is
 * full).
 */
export type FinishReason =
  "stop" | "stop_sequence" | "length" | "tool_calls" | "content_filter" | "refusal" | "pause" | "context_length"
