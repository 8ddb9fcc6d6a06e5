import type { Back, Front } from "../Dialects.js"
import type { Lost } from "../Lossiness.js"
import * as AnswerIn from "./AnswerIn.js"
import * as AnswerOut from "./AnswerOut.js"
import * as ErrorOut from "./ErrorOut.js"
import * as RequestIn from "./RequestIn.js"
import * as RequestOut from "./RequestOut.js"
import * as StreamIn from "./StreamIn.js"
import * as StreamOut from "./StreamOut.js"

/** Anthropic's messages, as Anthropic and compatible vendors answer them. */
export const back: Back = {
  dialect: "anthropic-messages",
  framing: "sse",
  encode: RequestOut.encode,
  decode: AnswerIn.decode,
  reader: StreamIn.reader
}

const nameOf = (lost: Lost): string => names[lost] ?? lost.replace(/^foreign:/, "")

/** Where Anthropic's name differs. */
const names: Readonly<Partial<Record<Lost, string>>> = {
  documents: "document",
  format: "output_config.format",
  format_schema: "output_config.format",
  image_urls: "image.source.url",
  images: "image",
  parallel_tools: "tool_choice.disable_parallel_tool_use",
  reasoning_history: "thinking_blocks",
  stop: "stop_sequences",
  system_position: "messages.system",
  tool_schema: "tools.input_schema",
  strict_tools: "tools.strict",
  thinking_budget: "thinking.budget_tokens",
  tool_errors: "tool_result.is_error",
  user: "metadata.user_id"
}

/** Anthropic's messages, as its clients ask for them. */
export const front: Front = {
  dialect: "anthropic-messages",
  decodeRequest: RequestIn.decodeRequest,
  nameOf,
  encodeAnswer: AnswerOut.encode,
  writer: StreamOut.writer,
  end: StreamOut.end,
  memberFrame: StreamOut.memberFrame,
  errorBody: ErrorOut.errorBody,
  errorFrame: ErrorOut.errorFrame
}

/** How many tokens a message would have. */
export const countTokens: Front = {
  ...front,
  dialect: "anthropic-count-tokens",
  decodeRequest: RequestIn.decodeCountRequest
}
