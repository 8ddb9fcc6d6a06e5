import * as Redacted from "effect/Redacted"
import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from "node:crypto"

/** Seals keys that are kept in a database, so that whoever reads the tables has none of them. */
export interface Seal {
  readonly close: (secret: Redacted.Redacted) => string
  /** `undefined`: it was sealed with another word, or is damaged. */
  readonly open: (sealed: string) => Redacted.Redacted | undefined
}

/** By a word that every gateway at this database has: AES-256-GCM, the key derived from it by scrypt. */
export const make = (word: Redacted.Redacted): Seal => {
  // Costs some 50 ms, and mostly nobody asks.
  let derived: Buffer | undefined
  const key = (): Buffer => (derived ??= scryptSync(Redacted.value(word), "orelse/seal/1", 32))
  return {
    close: (secret) => {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv("aes-256-gcm", key(), nonce)
      const text = Buffer.concat([cipher.update(Redacted.value(secret), "utf8"), cipher.final()])
      return prefix + Buffer.concat([nonce, cipher.getAuthTag(), text]).toString("base64")
    },
    open: (sealed) => {
      if (!sealed.startsWith(prefix)) return undefined
      const bytes = Buffer.from(sealed.slice(prefix.length), "base64")
      try {
        const decipher = createDecipheriv("aes-256-gcm", key(), bytes.subarray(0, nonceBytes), {
          // Else a shorter one would do.
          authTagLength: tagBytes
        })
        decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes))
        const text = Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()])
        return Redacted.make(text.toString("utf8"))
      } catch {
        return undefined
      }
    }
  }
}

const prefix = "sealed:1:"
const nonceBytes = 12
const tagBytes = 16
