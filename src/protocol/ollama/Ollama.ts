import type { Back } from "../Dialects.js"
import { decode } from "./AnswerIn.js"
import { encode } from "./RequestOut.js"
import { reader } from "./StreamIn.js"

/** Ollama's own `POST /api/chat`. */
export const back: Back = { dialect: "ollama", framing: "ndjson", encode, decode, reader }
