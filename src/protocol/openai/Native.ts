/** Unmarked seals in `reasoning_details` are OpenRouter's, whose member it is; those on tool calls are Google's. */
export const native = { details: "openrouter", toolCall: "gemini" }
