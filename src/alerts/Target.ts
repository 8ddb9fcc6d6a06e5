import * as Redacted from "effect/Redacted"
import { createHash } from "node:crypto"
import type { WebhookSettings } from "../config/Settings.js"
import type { AlertKind } from "../domain/Alert.js"

/** A webhook that can be posted to. Its address is a secret, as Slack's are. */
export interface Target {
  /** What it is called where others read: its host and a part of a hash of its address. */
  readonly id: string
  readonly origin: string
  /** With what a key may be in. */
  readonly path: Redacted.Redacted
  readonly format: WebhookSettings["format"]
  readonly wants: (kind: AlertKind) => boolean
}

export const of = ({ events, format, url }: WebhookSettings): Target => {
  const { host, origin, pathname, search } = new URL(Redacted.value(url))
  const hash = createHash("sha256").update(Redacted.value(url)).digest("hex")
  return {
    id: `${host}#${hash.slice(0, 12)}`,
    origin,
    path: Redacted.make(pathname + search),
    format,
    wants: (kind) => events === undefined || events.includes(kind)
  }
}
