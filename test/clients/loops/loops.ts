import { aiSdk } from "./aiSdk.js"
import { anthropic } from "./anthropic.js"
import { langchain } from "./langchain.js"
import type { Loop } from "./Loop.js"
import { openai } from "./openai.js"

/** Every client that runs tools, with and without streaming. */
export const loops: ReadonlyArray<Loop> = [...openai, ...anthropic, ...aiSdk, ...langchain]
