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
  /** It answers the question. */
  readonly answering: Answer
  /** What it refuses. */
  readonly rules: Rules
  /** It takes the picture that a tool showed. */
  readonly sees: boolean
}

/** One answer of a vendor, in the vendor's shape. */
export interface Answer {
  readonly whole: object
  /** The same as a stream. */
  readonly stream: ReadonlyArray<string>
}

/** What a vendor is, besides its answers. */
export type About = Omit<Vendor, "instance" | "calling" | "answering"> &
  Partial<Vendor["instance"]> &
  Pick<Vendor["instance"], "provider">

export const instanceOf = ({ accountId, dialect, provider }: About): Vendor["instance"] => ({
  provider,
  dialect,
  accountId
})
