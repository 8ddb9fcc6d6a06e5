import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { mkdirSync, openSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { pino } from "pino"
import pretty from "pino-pretty"
import type { Settings } from "../config/Settings.js"
import { AccessLog } from "../http/AccessLog.js"
import { codeOf } from "../store/SystemError.js"
import { Failed } from "./Failed.js"

/** Effect's log and the access log in one place: pino, to stdout or `LOG_FILE`, pretty or JSON. */
export const layer = (settings: Settings["log"]): Layer.Layer<AccessLog, Failed> =>
  Layer.unwrapScoped(
    Effect.map(Effect.acquireRelease(open(settings), close), ({ log }) => {
      const logger = Logger.make<unknown, void>(({ annotations, cause, logLevel, message }) => {
        const fields = Object.fromEntries(HashMap.toEntries(annotations))
        const text = (Array.isArray(message) ? message : [message]).map(words).join(" ")
        log[levelOf(logLevel)](Cause.isEmpty(cause) ? fields : { ...fields, cause: Cause.pretty(cause) }, text)
      })
      return Layer.mergeAll(
        Logger.replace(Logger.defaultLogger, logger),
        Logger.minimumLogLevel(LogLevel.All),
        Layer.succeed(AccessLog, {
          write: (line) => (line.status >= 500 ? log.error(line, "request") : log.info(line, "request"))
        })
      )
    })
  )

interface Sink {
  readonly log: pino.Logger
  readonly flush: () => void
}

/** Its own types know of text only, whatever its content mode. */
interface Destination {
  write(line: Buffer | string): unknown
  flushSync(): void
}

/**
 * Bytes and ms that JSON lines are collected for; as text, all of them would be copied whenever one more comes. `close`
 * writes what is left. Pretty is for eyes and comes at once.
 */
const batch = { contentMode: "buffer" as const, sync: false, minLength: 12 * 1024, periodicFlush: 500 }

const open = ({ file, format, level }: Settings["log"]): Effect.Effect<Sink, Failed> =>
  Effect.map(file === undefined ? Effect.succeed(stdout) : openFile(file), (fd) => {
    const options: pino.LoggerOptions = { level, base: null }
    if (format === "json") {
      const destination: Destination = pino.destination({ dest: fd, ...batch })
      const lines = { write: (line: string) => destination.write(Buffer.from(line)) }
      return { log: pino(options, lines), flush: () => destination.flushSync() }
    }
    const colorize = file === undefined && process.stdout.isTTY
    const lines = { destination: fd, sync: true, singleLine: true, colorize, translateTime: "HH:MM:ss.l" }
    return { log: pino(options, pretty(lines)), flush: () => {} }
  })

const stdout = 1

const openFile = (file: string): Effect.Effect<number, Failed> =>
  Effect.try({
    try: () => {
      mkdirSync(dirname(resolve(file)), { recursive: true })
      return openSync(file, "a")
    },
    catch: (error) => new Failed({ message: `LOG_FILE: cannot write ${file} (${codeOf(error)})` })
  })

const close = ({ flush }: Sink): Effect.Effect<void> =>
  Effect.sync(() => {
    flush()
  })

const words = (message: unknown): string =>
  typeof message === "string" ? message : message instanceof Error ? message.message : JSON.stringify(message)

const levelOf = (level: LogLevel.LogLevel): "trace" | "debug" | "info" | "warn" | "error" | "fatal" => {
  switch (level._tag) {
    case "Fatal":
      return "fatal"
    case "Error":
      return "error"
    case "Warning":
      return "warn"
    case "Debug":
      return "debug"
    case "Trace":
      return "trace"
    default:
      return "info"
  }
}
