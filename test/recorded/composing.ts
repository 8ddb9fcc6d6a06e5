import type { ErrorCategory } from "../../src/domain/ErrorCategory.js"
import type { Case } from "./cases.js"

/** A whole answer. */
export const whole = (dialect: string, name: string, body: object, status = 200, category?: ErrorCategory): Case =>
  made(dialect, name, { status, streaming: false, body: Buffer.from(JSON.stringify(body)), category })

/** A stream of these frames. */
export const stream = (dialect: string, name: string, frames: ReadonlyArray<string>, category?: ErrorCategory): Case =>
  made(dialect, name, { status: 200, streaming: true, body: Buffer.from(frames.join("")), category })

/** An event that has nothing but data. */
export const data = (json: object): string => `data: ${JSON.stringify(json)}\n\n`

/** A line of JSON. */
export const line = (json: object): string => `${JSON.stringify(json)}\n`

const made = (
  dialect: string,
  name: string,
  fields: Pick<Case, "status" | "streaming" | "body" | "category">
): Case => ({
  file: `composed ${name}`,
  provider: "composed",
  dialect,
  special: [],
  headers: {},
  ...fields
})
