import type { ConfigFileEncoded } from "../../../src/config/ConfigFile.js"
import type * as Provider from "./provider.js"

/** Tokens of every answer. */
export const tokens = 1_000

/** What every answer costs, in USD. */
export const price = 0.1

type Instances = NonNullable<ConfigFileEncoded["instances"]>

/** An account that is asked once a request, and whose words cost 100 USD a million tokens. Prompts cost nothing. */
export const instance = (id: string, { url }: Provider.Provider): Instances[number] => ({
  id,
  provider: "openai-compatible",
  baseUrl: url,
  apiKey: `sk-${id}`,
  pricing: { prompt: 0, completion: 100 },
  retry: { maxAttempts: 1 }
})

/** A config file of these accounts, each of which serves a model of its own name, under these budgets. */
export const config = (
  instances: Instances,
  budgets: NonNullable<ConfigFileEncoded["budgets"]>,
  more: ConfigFileEncoded = {}
): string =>
  JSON.stringify({
    instances,
    models: instances.map(({ id }) => ({ id, targets: [{ instance: id, model: "m" }] })),
    budgets,
    health: { checkOnStart: false },
    log: { level: "warn", format: "json" },
    ...more
  } satisfies ConfigFileEncoded)
