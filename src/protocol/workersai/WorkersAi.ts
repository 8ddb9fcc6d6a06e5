import type { Back } from "../Dialects.js"
import { decode } from "./AnswerIn.js"
import { encode } from "./RequestOut.js"
import { reader } from "./StreamIn.js"

/** Cloudflare Workers AI's own `POST .../ai/run/<model>`. */
export const back: Back = { dialect: "workers-ai", framing: "sse", encode, decode, reader }
