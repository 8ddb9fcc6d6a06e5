import { SystemError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { LoadOptions } from "../../src/config/LoadSettings.js"
import { load } from "../../src/config/LoadSettings.js"
import { resolve } from "node:path"

interface Given extends Partial<LoadOptions> {
  /** The text of the config file; it is named with `--config`, unless `files` is what the test is about. */
  readonly file?: string
  /** Other files of the working directory. */
  readonly files?: Readonly<Record<string, string>>
}

/** Loads settings from files in memory and an environment that holds nothing but what is given. */
export const loading = ({ file, files = {}, ...options }: Given) => {
  const all = new Map(Object.entries(file === undefined ? files : { ...files, "orelse.yaml": file }))
  const inMemory = FileSystem.layerNoop({
    readFileString: (path) => {
      const found = [...all].find(([name]) => resolve(cwd, name) === path)
      return found === undefined ? Effect.fail(notFound(path)) : Effect.succeed(found[1])
    }
  })
  const configPath = file === undefined ? {} : { configPath: "orelse.yaml" }
  return load({ cwd, env: {}, ...configPath, ...options }).pipe(Effect.provide(inMemory))
}

/** The problems as `path: message`, without their lines. */
export const refused = (given: Given) =>
  loading(given).pipe(
    Effect.flip,
    Effect.map(({ problems }) => problems.map(({ message, path }) => `${path}: ${message}`))
  )

const cwd = "/gateway"

const notFound = (path: string) =>
  new SystemError({ reason: "NotFound", module: "FileSystem", method: "readFileString", pathOrDescriptor: path })
