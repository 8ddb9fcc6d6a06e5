/** The wire formats that a chat is translated between. */
export type ChatDialect = "openai-chat" | "anthropic-messages" | "gemini" | "workers-ai" | "ollama"

/** Wire formats that only pass through, to a provider that speaks the very same one. */
export type PlainDialect = "openai-completions" | "openai-embeddings" | "anthropic-count-tokens"

/** The wire format that a request or an answer is written in. */
export type Dialect = ChatDialect | PlainDialect

/** Wire formats that callers may write their requests in. */
export type FrontDialect = "openai-chat" | "anthropic-messages" | PlainDialect
