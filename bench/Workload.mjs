/** What is asked of the system under test: the request bodies, and how many chunks the mock streams. */

/** Content chunks in one stream; a finish chunk, a usage chunk and `[DONE]` follow them. */
export const CHUNKS = 64

/** Stands in a request for what may set it apart from all others. */
export const UNIQUE = "000000000000"

const request = {
  model: "mock-0",
  messages: [
    {
      role: "system",
      content: "You write for engineers on call. Be brief, quote times in UTC, and never guess at causes. ".repeat(3)
    },
    {
      role: "user",
      content: `${"Summarise the incident log below in three sentences and name one follow-up. ".repeat(8)}${UNIQUE}`
    }
  ],
  temperature: 0.7,
  top_p: 1,
  max_tokens: 256,
  user: "tenant-42"
}

/** About 1.1 KB of JSON, by the kind of answer that is asked for. A temperature above 0 keeps answer caches out of it that are not told otherwise. */
export const bodies = {
  buffered: JSON.stringify(request),
  streaming: JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } })
}
