import { createHash } from "node:crypto"

/** A form that a dialect or a vendor demands of the ids of tool calls. */
export type Form = "anthropic" | "openai" | "mistral" | "workers-ai"

/**
 * A call's id as a provider takes it. One of another vendor that it would refuse becomes another one, the same wherever it
 * stands, so that a call and its result stay together.
 */
export const fit = (id: string, form: Form): string => {
  if (forms[form].test(id)) return id
  const hash = createHash("sha256").update(id).digest("hex")
  return form === "mistral" ? hash.slice(0, 9) : `call_${hash.slice(0, 32)}`
}

/** Anthropic's pattern; OpenAI's longest; Mistral's nine letters and digits; Workers AI's pattern, which has no ends. */
const forms: Readonly<Record<Form, RegExp>> = {
  anthropic: /^[a-zA-Z0-9_-]{1,256}$/,
  openai: /^[^]{1,40}$/,
  mistral: /^[a-zA-Z0-9]{9}$/,
  "workers-ai": /[a-zA-Z0-9]{9}/
}

/** An id as a caller of Anthropic's dialect gets it: in its alphabet, and the original can be read in it. */
export const show = (id: string): string =>
  forms.anthropic.test(id) && !id.startsWith(prefix) ? id : prefix + Buffer.from(id).toString("base64url")

/** The original of an id that came back. */
export const read = (id: string): string =>
  id.startsWith(prefix) ? Buffer.from(id.slice(prefix.length), "base64url").toString() : id

const prefix = "orelse_"
