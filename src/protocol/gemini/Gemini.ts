import type { Back } from "../Dialects.js"
import { decode } from "./AnswerIn.js"
import { encode } from "./RequestOut.js"
import { reader } from "./StreamIn.js"

/** Google's `generateContent` and `streamGenerateContent?alt=sse`, v1beta. */
export const back: Back = { dialect: "gemini", framing: "sse", encode, decode, reader }
