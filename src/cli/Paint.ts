import { styleText } from "node:util"
import type { Status } from "../health/Status.js"

/** Colours a word by what it says of an instance. */
export type Paint = (status: Status, text: string) => string

export const plain: Paint = (_, text) => text

export const coloured: Paint = (status, text) => styleText(colours[status], text, { validateStream: false })

/** In colour where a person looks, unless `NO_COLOR` asks for none. */
export const forStdout = (): Paint =>
  process.stdout.isTTY && (process.env["NO_COLOR"] ?? "") === "" ? coloured : plain

const colours = { healthy: "green", degraded: "yellow", recovering: "cyan", unhealthy: "red" } as const
