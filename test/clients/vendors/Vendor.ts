import type { InstanceSettings } from "../../../src/config/Settings.js"
import type { Rules } from "../rules/Rules.js"

/** A vendor as far as a conversation of two turns with it goes. */
export interface Vendor {
  readonly name: string
  /** How the gateway is told of it. */
  readonly instance: Pick<InstanceSettings, "provider" | "dialect" | "accountId">
  readonly model: string
  /** It thinks, where it shows that, says something, and calls all tools. */
  readonly calling: Answer
  /** Signatures in that, which come back where the client keeps them. */
  readonly signatures: ReadonlyArray<string>
  /** It answers the question. */
  readonly answering: Answer
  /** What it refuses. */
  readonly rules: Rules
}

/** One answer of a vendor, in the vendor's shape. */
export interface Answer {
  readonly whole: object
  /** The same as a stream. */
  readonly stream: ReadonlyArray<string>
}

/** How the gateway is told of a vendor. */
export const instanceOf = (
  provider: InstanceSettings["provider"],
  dialect?: InstanceSettings["dialect"],
  accountId?: string
): Vendor["instance"] => ({ provider, dialect, accountId })
