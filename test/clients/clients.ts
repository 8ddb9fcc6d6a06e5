import { aiSdk } from "./aiSdk.js"
import { anthropic } from "./anthropic.js"
import type { Client } from "./Client.js"
import { langchain } from "./langchain.js"
import { openai } from "./openai.js"

/** Every client that the gateway is made for, whichever front it speaks. */
export const clients: ReadonlyArray<Client> = [openai, anthropic, ...aiSdk, langchain]
