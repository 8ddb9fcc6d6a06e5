import * as Options from "@effect/cli/Options"
import type * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ConfigError } from "../config/ConfigError.js"
import * as LoadSettings from "../config/LoadSettings.js"
import type { Settings } from "../config/Settings.js"
import type * as FileSystem from "@effect/platform/FileSystem"

export const config = Options.text("config").pipe(
  Options.withAlias("c"),
  Options.withDescription("the config file, YAML or JSON; otherwise ORELSE_CONFIG names it"),
  Options.optional
)

export const port = Options.integer("port").pipe(
  Options.withAlias("p"),
  Options.withDescription("the port to listen on; otherwise PORT, or 3000"),
  Options.optional
)

export const host = Options.text("host").pipe(
  Options.withDescription("the address to listen on; otherwise HOST, or 127.0.0.1"),
  Options.optional
)

export const url = Options.text("url").pipe(
  Options.withAlias("u"),
  Options.withDescription("where a gateway listens, as http://127.0.0.1:3000"),
  Options.optional
)

export const json = Options.boolean("json").pipe(Options.withDescription("print JSON, for scripts"))

/** What a subcommand was told about settings. */
export interface Given {
  readonly config: Option.Option<string>
  readonly port?: Option.Option<number>
  readonly host?: Option.Option<string>
}

/** Where the settings of this process come from under these options. */
export const sources = (options: Given): LoadSettings.LoadOptions => ({
  configPath: Option.getOrUndefined(options.config),
  cli: {
    port: Option.getOrUndefined(options.port ?? Option.none()),
    host: Option.getOrUndefined(options.host ?? Option.none())
  },
  env: process.env,
  cwd: process.cwd()
})

/** The settings of this process under these options. */
export const settings = (options: Given): Effect.Effect<Settings, ConfigError, FileSystem.FileSystem> =>
  LoadSettings.load(sources(options))
