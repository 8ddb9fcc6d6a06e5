import { createHash } from "node:crypto"

/** Those who sign what their models thought. */
export const signers = ["anthropic", "gemini", "openrouter"] as const
export type Signer = (typeof signers)[number]

/**
 * A fake vendor's signature of a text. As with the true ones, the vendor can tell whose it is and what it signs, and nobody
 * else.
 */
export const sign = (signer: Signer, text: string): string =>
  createHash("sha256").update(`${signer} ${text}`).digest("base64")
