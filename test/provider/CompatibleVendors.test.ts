import { assert, describe, it } from "@effect/vitest"
import { findProvider } from "@pydantic/genai-prices"
import { compatibleVendors, type CompatibleVendor } from "../../src/provider/CompatibleVendors.js"

const vendors: ReadonlyArray<readonly [string, CompatibleVendor]> = Object.entries(compatibleVendors)
const loopback = new Set(["localhost", "127.0.0.1", "[::1]"])

/** Names that a maker's own API takes. */
const names: Readonly<Record<string, ReadonlyArray<string>>> = {
  alibaba: ["qwen-plus", "qwen3-max", "qwen3.7-plus", "qwen2.5-72b-instruct", "qwq-plus", "text-embedding-v4"],
  cohere: ["command-a-03-2025", "command-r7b-12-2024", "c4ai-aya-expanse-32b", "embed-v4.0"],
  deepseek: ["deepseek-chat", "deepseek-reasoner", "deepseek-v4-pro", "deepseek-flash"],
  minimax: ["MiniMax-M2.7", "MiniMax-M3", "minimax-m1", "M2-her"],
  mistral: [
    "mistral-large-latest",
    "ministral-8b-2512",
    "codestral-latest",
    "open-mixtral-8x22b",
    "labs-devstral-small-2512"
  ],
  moonshot: ["kimi-k2.6", "kimi-k3", "moonshot-v1-8k"],
  perplexity: ["sonar", "sonar-pro", "sonar-deep-research"],
  xai: ["grok-4.5", "grok-code-fast-1"],
  zai: ["glm-4.7", "GLM-5.2", "glm-5.3-flash"]
}

/** Other makers' names, and what hosts of open weights call the weights of the makers above. */
const others = `
  gpt-5 o3-mini chatgpt-4o-latest text-embedding-3-small gpt-oss-120b claude-sonnet-4-5 gemini-2.5-pro gemma-4-31b
  azure/my-deployment @cf/meta/llama-3.1-8b-instruct llama-3.3-70b-versatile accounts/fireworks/models/kimi-k2p6
  deepseek-ai/DeepSeek-V3 deepseek-r1 deepseek-r1:8b deepseek-r1-distill-llama-70b DeepSeek-V3.1
  mistralai/Mistral-7B-Instruct-v0.3 mistral mistral:7b mixtral:8x7b mistral-small:24b command-r:35b
  Qwen/Qwen3-32B qwen3:8b qwen3 qwq qwen-3.8-27b moonshotai/kimi-k2 zai-org/GLM-5 zai-glm-4.7
  x-ai/grok-4 perplexity/sonar minimax/minimax-m2
`
  .trim()
  .split(/\s+/)

const makersOf = (name: string): ReadonlyArray<string> =>
  vendors.filter(([, { makes }]) => makes?.test(name)).map(([slug]) => slug)

describe("the table of compatible vendors", () => {
  it.each(vendors)("reaches %s safely: over TLS, or on this very machine", (_, { baseUrl }) => {
    const url = new URL(baseUrl)
    assert.isTrue(url.protocol === "https:" || (url.protocol === "http:" && loopback.has(url.hostname)), baseUrl)
    assert.strictEqual(url.username + url.password + url.search + url.hash, "")
  })

  it.each(vendors)("lets a path follow the base URL of %s", (_, { baseUrl, models }) => {
    assert.isFalse(baseUrl.endsWith("/"), baseUrl)
    if (typeof models === "string") assert.match(models, /^\//)
  })

  it("calls free only what runs on this machine", () => {
    const elsewhere = vendors.filter(([, { baseUrl, free }]) => free && !loopback.has(new URL(baseUrl).hostname))
    assert.deepStrictEqual(elsewhere, [])
  })

  it.each(vendors)("knows %s in the price catalogue by the id that it has there, if any", (_, { baseUrl, priceId }) => {
    // Together's catalogue entry has its former host.
    const byUrl = findProvider({ providerApiUrl: baseUrl })?.id
    if (priceId !== undefined) assert.strictEqual(findProvider({ providerId: priceId })?.id, priceId)
    assert.isTrue(byUrl === undefined || byUrl === priceId, `${byUrl} has prices for ${baseUrl}`)
  })

  it("has names to try for every maker", () => {
    const makers = vendors.filter(([, { makes }]) => makes !== undefined).map(([slug]) => slug)
    assert.sameMembers(makers, Object.keys(names))
  })

  it.each(Object.entries(names))("finds %s, and nobody else, by the names that it gave its models", (maker, own) => {
    for (const name of own) assert.deepStrictEqual(makersOf(name), [maker], name)
  })

  it.each(others)("takes %s for nobody's", (name) => {
    assert.deepStrictEqual(makersOf(name), [])
  })

  it("asks for usage wherever it does not come unasked", () => {
    const silent = vendors.filter(
      ([, { quirks }]) => quirks?.refuses?.includes("stream_options") && !quirks.usageUnasked
    )
    assert.deepStrictEqual(silent, [])
  })
})
