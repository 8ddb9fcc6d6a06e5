import { createHash } from "node:crypto"

/** Those who sign what their models thought. */
export type Signer = "anthropic" | "gemini" | "openrouter"

/**
 * A fake vendor's signature of a text. As the true ones do, it shows whose it is and what it signs, to the vendor alone.
 */
export const sign = (signer: Signer, text: string): string =>
  createHash("sha256").update(`${signer} ${text}`).digest("base64")
