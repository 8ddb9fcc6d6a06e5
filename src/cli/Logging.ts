import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { pino } from "pino"
import pretty from "pino-pretty"
import type { Settings } from "../config/Settings.js"
import { AccessLog } from "../http/AccessLog.js"

/** Effect's log and the access log in one place: pino, to stdout or `LOG_FILE`, pretty or JSON. */
export const layer = (settings: Settings["log"]): Layer.Layer<AccessLog> =>
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

/** JSON is written in batches; `close` writes what is left. Pretty is for eyes and comes at once. */
const open = ({ file, format, level }: Settings["log"]): Effect.Effect<Sink> =>
  Effect.sync(() => {
    const target = { dest: file ?? 1, mkdir: true }
    if (format === "pretty") {
      const stream = pretty({
        destination: file ?? 1,
        mkdir: true,
        sync: true,
        singleLine: true,
        colorize: file === undefined && process.stdout.isTTY,
        ignore: "pid,hostname",
        translateTime: "HH:MM:ss.l"
      })
      return { log: pino({ level, base: null }, stream), flush: () => {} }
    }
    const destination = pino.destination({ ...target, sync: false, minLength: 4096, periodicFlush: 500 })
    return { log: pino({ level, base: null }, destination), flush: () => destination.flushSync() }
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
