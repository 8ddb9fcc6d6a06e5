import * as Version from "../config/Version.js"
import type { WebhookSettings } from "../config/Settings.js"
import type { AlertBody } from "./AlertBody.js"

/** What is posted. */
export const of = (body: AlertBody, format: WebhookSettings["format"]): string =>
  JSON.stringify(format === "json" ? body : slack(body))

/**
 * Only what Slack documents for incoming webhooks, and of that what others who take its messages know too (Mattermost,
 * Rocket.Chat, Discord under `/slack`): attachments, not blocks.
 */
const slack = ({ at, details, id, kind, text }: AlertBody) => ({
  text: `*orelse* ${escaped(text)}`,
  attachments: [
    {
      color: grave.has(kind) || details["percent"] === 100 ? "danger" : "warning",
      fallback: escaped(text),
      fields: [
        { title: "event", value: kind, short: true },
        ...Object.entries(details).map(([title, value]) => ({
          title: title.replaceAll("_", " "),
          value: `\`${escaped([value].flat().join(", "))}\``,
          short: true
        }))
      ],
      footer: `orelse ${Version.version}, alert ${id}`,
      ts: Math.floor(Date.parse(at) / 1000)
    }
  ]
})

const grave: ReadonlySet<string> = new Set(["circuit_open", "key_out", "fallback_exhausted", "store_trouble"])

/** Slack's own markup begins with these three; whoever cannot read that form reads no worse. */
const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
