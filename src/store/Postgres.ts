import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { Pool } from "pg"
import type { OpenFailed } from "./DatabaseError.js"

/** A pool of connections to a server, which are made when they are needed. With the scope they are cut, whatever they do. */
export const open = (url: Redacted.Redacted): Effect.Effect<Pool, OpenFailed, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const pool = new Pool({
        connectionString: Redacted.value(url),
        max: 8,
        connectionTimeoutMillis: 10_000,
        idleTimeoutMillis: 60_000,
        keepAlive: true,
        application_name: "orelse"
      })
      // An idle connection that breaks is replaced when one is needed.
      pool.on("error", () => {})
      // Nobody tries to cancel over a second connection what an interrupted fiber asked.
      pool.on("connect", (client) => Object.assign(client, { processID: undefined }))
      return pool
    }),
    (pool) =>
      Effect.promise(() => {
        // A server that was stopped answers no farewell.
        for (const stream of streamsOf(pool)) stream.destroy()
        return pool.end()
      }).pipe(
        // A release cannot be interrupted, so the waiting must say that it can.
        Effect.interruptible,
        Effect.timeoutOption("2 seconds")
      )
  )

/** Of all its clients, also of those that are asked something; pg's types do not show them. */
const streamsOf = (pool: Pool): ReadonlyArray<{ destroy: () => void }> => {
  const clients: unknown = Reflect.get(pool, "_clients")
  return (Array.isArray(clients) ? clients : []).flatMap((client: unknown) => {
    const connection: unknown =
      typeof client === "object" && client !== null ? Reflect.get(client, "connection") : undefined
    const stream: unknown =
      typeof connection === "object" && connection !== null ? Reflect.get(connection, "stream") : undefined
    return isStream(stream) ? [stream] : []
  })
}

const isStream = (value: unknown): value is { destroy: () => void } =>
  typeof value === "object" && value !== null && "destroy" in value && typeof value.destroy === "function"
