import { existsSync, readFileSync } from "node:fs"
import type { ErrorCategory } from "../../src/domain/ErrorCategory.js"
import { composed } from "./composed.js"
import { defects } from "./defects.js"
import { implied, type Entry } from "./implied.js"

/** One answer of a provider, byte for byte. */
export interface Case extends Entry {
  readonly body: Buffer
  /** What it means where it is no good answer. */
  readonly category: ErrorCategory | undefined
}

const shared = new URL("../../../shared/wire/", import.meta.url)

/** Says in the title of a suite why it is shorter than elsewhere. */
export const note = existsSync(shared) ? "" : " (only composed ones: ../shared/wire is not here)"

const recorded = (): ReadonlyArray<Case> => {
  const index: ReadonlyArray<Entry> = JSON.parse(readFileSync(new URL("index.json", shared), "utf8"))
  return index.map((entry) => ({ ...entry, body: readFileSync(new URL(entry.file, shared)), category: implied(entry) }))
}

const asProvided: ReadonlyArray<Case> = [...composed, ...(existsSync(shared) ? recorded() : [])]

/** Every answer of a provider: composed after each vendor's shape, and recorded ones where the shared folder is. */
export const everyCase: ReadonlyArray<Case> = [...asProvided, ...defects]

/** Those in OpenAI's dialect of chat, without the ones that are spoilt on purpose. */
export const cases: ReadonlyArray<Case> = asProvided.filter(({ dialect }) => dialect === "openai-chat")
