import type { Back, Front } from "../Dialects.js"
import type { Lost } from "../Lossiness.js"
import * as AnswerIn from "./AnswerIn.js"
import * as AnswerOut from "./AnswerOut.js"
import * as ErrorOut from "./ErrorOut.js"
import * as PlainIn from "./PlainIn.js"
import * as RequestIn from "./RequestIn.js"
import * as RequestOut from "./RequestOut.js"
import * as StreamIn from "./StreamIn.js"
import * as StreamOut from "./StreamOut.js"

/** OpenAI's chat completions, as OpenAI and the many compatible vendors answer them. */
export const back: Back = {
  dialect: "openai-chat",
  framing: "sse",
  encode: RequestOut.encode,
  decode: AnswerIn.decode,
  reader: StreamIn.reader
}

const nameOf = (lost: Lost): string => names[lost] ?? lost.replace(/^foreign:/, "")

/** Where OpenAI's name differs. */
const names: Readonly<Partial<Record<Lost, string>>> = {
  audio: "input_audio",
  choices: "n",
  documents: "file",
  format: "response_format",
  format_schema: "response_format.json_schema",
  image_detail: "image_url.detail",
  image_urls: "image_url",
  images: "image_url",
  parallel_tools: "parallel_tool_calls",
  reasoning_history: "reasoning",
  system_position: "messages.system",
  tool_schema: "tools.parameters",
  strict_tools: "tools.strict",
  thinking: "reasoning_effort",
  thinking_budget: "reasoning.max_tokens"
}

/** OpenAI's chat completions, as its clients ask for them. */
export const front: Front = {
  dialect: "openai-chat",
  decodeRequest: RequestIn.decodeRequest,
  nameOf,
  encodeAnswer: AnswerOut.encode,
  writer: StreamOut.writer,
  end: StreamOut.end,
  memberFrame: StreamOut.memberFrame,
  errorBody: ErrorOut.errorBody,
  errorFrame: ErrorOut.errorFrame
}

/** The API before chats. It is passed on to whoever speaks it, never translated. */
export const completions: Front = {
  ...front,
  dialect: "openai-completions",
  decodeRequest: PlainIn.decodeCompletions
}

/** Embeddings. They are passed on to whoever speaks them, never translated. */
export const embeddings: Front = {
  ...front,
  dialect: "openai-embeddings",
  decodeRequest: PlainIn.decodeEmbeddings
}
