import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { ConfigError } from "../config/ConfigError.js"
import * as LoadSettings from "../config/LoadSettings.js"
import * as Json from "../protocol/Json.js"
import * as DirectoryLock from "../store/DirectoryLock.js"
import * as Embedded from "../store/Embedded.js"
import { Failed } from "./Failed.js"

/** A gateway that runs somewhere. */
export interface Remote {
  readonly url: string
  /** What its admin route at `path` answers, or why there is nothing to show. */
  readonly get: <A, I>(path: string, schema: Schema.Schema<A, I>) => Effect.Effect<A, Failed>
  /** The same of a route that does something, which may take minutes. */
  readonly post: <A, I>(path: string, body: object, schema: Schema.Schema<A, I>) => Effect.Effect<A, Failed>
  /** The same of a route that sets something. */
  readonly put: <A, I>(path: string, body: object, schema: Schema.Schema<A, I>) => Effect.Effect<A, Failed>
  /** The same of a route that takes something away. */
  readonly remove: <A, I>(path: string, schema: Schema.Schema<A, I>) => Effect.Effect<A, Failed>
}

/**
 * The gateway at `--url`, or else the one that holds this data directory, or else whoever listens on this machine at `PORT`;
 * `ORELSE_ADMIN_KEY` opens it.
 */
export const make = (url: Option.Option<string>): Effect.Effect<Remote, ConfigError | Failed, FileSystem.FileSystem> =>
  Effect.flatMap(environment, (env) =>
    at(
      Option.getOrElse(url, () => holder(env) ?? `http://127.0.0.1:${env.get("PORT") ?? "3000"}`),
      env
    )
  )

/** The gateway at `--url`, or else the one that holds this data directory; none: whoever needs the database opens it. */
export const running = (
  url: Option.Option<string>
): Effect.Effect<Option.Option<Remote>, ConfigError | Failed, FileSystem.FileSystem> =>
  Effect.flatMap(environment, (env) => {
    const address = Option.orElse(url, () => Option.fromNullable(holder(env)))
    return Option.isNone(address) ? Effect.succeedNone : Effect.map(at(address.value, env), Option.some)
  })

const environment = Effect.suspend(() => LoadSettings.environment({ env: process.env, cwd: process.cwd() }))

type Variables = ReadonlyMap<string, string>

const holder = (env: Variables): string | null | undefined =>
  DirectoryLock.holderOf(Embedded.lockFile(env.get("ORELSE_DATA_DIR") ?? ".orelse"))?.url

const at = (address: string, env: Variables): Effect.Effect<Remote, Failed> => {
  const base = address.replace(/\/+$/, "")
  if (!isAddress(base)) {
    return new Failed({ message: `'${base}' is not the address of a gateway, as http://127.0.0.1:3000 is` })
  }
  const key = env.get("ORELSE_ADMIN_KEY")
  return Effect.succeed({
    url: base,
    get: (path, schema) => ask(base, key, HttpClientRequest.get(base + path), schema),
    post: (path, body, schema) =>
      ask(base, key, HttpClientRequest.bodyUnsafeJson(HttpClientRequest.post(base + path), body), schema, "10 minutes"),
    put: (path, body, schema) =>
      ask(base, key, HttpClientRequest.bodyUnsafeJson(HttpClientRequest.put(base + path), body), schema),
    remove: (path, schema) => ask(base, key, HttpClientRequest.del(base + path), schema, "1 minute")
  })
}

const ask = <A, I>(
  base: string,
  key: string | undefined,
  asked: HttpClientRequest.HttpClientRequest,
  schema: Schema.Schema<A, I>,
  patience: Duration.DurationInput = "10 seconds"
): Effect.Effect<A, Failed> =>
  Effect.gen(function* () {
    const request = asked.pipe(key === undefined ? (unchanged) => unchanged : HttpClientRequest.bearerToken(key))
    const { status, text } = yield* HttpClient.execute(request).pipe(
      Effect.flatMap((response) => Effect.map(response.text, (read) => ({ status: response.status, text: read }))),
      Effect.timeout(patience),
      Effect.mapError(() => new Failed({ message: `no gateway answers at ${base}: is it running there? (--url)` }))
    )
    const body = Json.parsedForReading(text)
    if (status === 401) return yield* new Failed({ message: refused(base, key) })
    if (status !== 200) {
      const message =
        Json.text(Json.record(Json.record(body)["error"])["message"]) ?? `it answers with status ${status}`
      return yield* new Failed({ message: `${base}: ${message}` })
    }
    return yield* Either.mapLeft(
      Schema.decodeUnknownEither(schema)(body),
      () => new Failed({ message: `what answers at ${base} is not orelse, or another version of it` })
    )
  }).pipe(
    Effect.provide(FetchHttpClient.layer),
    // A redirect would take the key elsewhere.
    Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" })
  )

const refused = (base: string, key: string | undefined): string =>
  key === undefined
    ? `the gateway at ${base} asks for its admin key: set ORELSE_ADMIN_KEY`
    : `the gateway at ${base} has another admin key than ORELSE_ADMIN_KEY says`

/** Keys do not belong into an address, where every log shows them. */
const isAddress = (text: string): boolean => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.username !== "" || url.password !== "") return false
  return /^https?:$/.test(url.protocol) && url.search === "" && url.hash === ""
}
