import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import type { VendorSlug } from "../../src/config/Vendors.js"
import type { ListedModel } from "../../src/provider/ModelFacts.js"
import * as ModelList from "../../src/provider/ModelList.js"

const read = (vendor: VendorSlug, body: unknown) =>
  ModelList.read(vendor, Buffer.from(typeof body === "string" ? body : JSON.stringify(body)))

const page = (vendor: VendorSlug, body: unknown): ModelList.Page =>
  Either.getOrElse(read(vendor, body), (refusal) => assert.fail(refusal))

const model = (id: string, fields: Partial<ListedModel> = {}): ListedModel => ({
  id,
  name: undefined,
  contextWindow: undefined,
  promptPrice: undefined,
  completionPrice: undefined,
  kind: undefined,
  quantization: undefined,
  ...fields
})

/** An entry as the vendor has it, and what is known from it. */
const entries: ReadonlyArray<readonly [VendorSlug, "data" | "models" | "result" | undefined, object, ListedModel]> = [
  ["openai", "data", { id: "gpt-4o", object: "model", owned_by: "system" }, model("gpt-4o")],
  [
    "anthropic",
    "data",
    { type: "model", id: "claude-sonnet-4-5-20250929", display_name: "Claude Sonnet 4.5", max_input_tokens: 200_000 },
    model("claude-sonnet-4-5-20250929", { name: "Claude Sonnet 4.5", contextWindow: 200_000, kind: "chat" })
  ],
  [
    "openrouter",
    "data",
    {
      id: "openai/gpt-4o-mini",
      name: "OpenAI: GPT-4o-mini",
      context_length: 128_000,
      architecture: { output_modalities: ["text"] },
      pricing: { prompt: "0.00000015", completion: "0.0000006", image: "0.000217" },
      top_provider: { context_length: 100_000 }
    },
    model("openai/gpt-4o-mini", {
      name: "OpenAI: GPT-4o-mini",
      contextWindow: 128_000,
      promptPrice: "0.15",
      completionPrice: "0.6",
      kind: "chat"
    })
  ],
  [
    "openrouter",
    "data",
    {
      id: "openrouter/auto",
      context_length: null,
      pricing: { prompt: "-1", completion: "-1" },
      top_provider: { context_length: 2_000_000 }
    },
    model("openrouter/auto", { contextWindow: 2_000_000 })
  ],
  [
    "gemini",
    "models",
    {
      name: "models/gemini-2.5-flash",
      displayName: "Gemini 2.5 Flash",
      inputTokenLimit: 1_048_576,
      outputTokenLimit: 65_536,
      supportedGenerationMethods: ["generateContent", "countTokens"]
    },
    model("gemini-2.5-flash", { name: "Gemini 2.5 Flash", contextWindow: 1_114_112, kind: "chat" })
  ],
  [
    "gemini",
    "models",
    { name: "models/gemini-embedding-001", inputTokenLimit: 2_048, supportedGenerationMethods: ["embedContent"] },
    model("gemini-embedding-001", { contextWindow: 2_048, kind: "embedding" })
  ],
  [
    "gemini",
    "models",
    { name: "models/imagen-4.0", supportedGenerationMethods: ["predict"] },
    model("imagen-4.0", { kind: "image" })
  ],
  [
    "ollama",
    "models",
    { name: "llama3.3:70b", model: "llama3.3:70b", details: { family: "llama", quantization_level: "Q4_K_M" } },
    model("llama3.3:70b", { quantization: "Q4_K_M" })
  ],
  [
    "ollama",
    "models",
    { name: "nomic-embed-text:latest", details: { family: "nomic-bert", quantization_level: "F16" } },
    model("nomic-embed-text:latest", { kind: "embedding", quantization: "F16" })
  ],
  [
    "cloudflare",
    "result",
    {
      id: "b7f2",
      name: "@cf/meta/llama-3.1-8b-instruct",
      task: { name: "Text Generation" },
      properties: [
        { property_id: "context_window", value: "7968" },
        {
          property_id: "price",
          value: [
            { unit: "per M input tokens", price: 0.282, currency: "USD" },
            { unit: "per M output tokens", price: 0.827, currency: "USD" }
          ]
        }
      ]
    },
    model("@cf/meta/llama-3.1-8b-instruct", {
      contextWindow: 7_968,
      promptPrice: "0.282",
      completionPrice: "0.827",
      kind: "chat"
    })
  ],
  [
    "groq",
    "data",
    { id: "llama-3.3-70b-versatile", active: true, context_window: 131_072, max_completion_tokens: 32_768 },
    model("llama-3.3-70b-versatile", { contextWindow: 131_072 })
  ],
  [
    "mistral",
    "data",
    { id: "mistral-large-2411", max_context_length: 131_072, capabilities: { completion_chat: true } },
    model("mistral-large-2411", { contextWindow: 131_072, kind: "chat" })
  ],
  [
    "together",
    undefined,
    {
      id: "Qwen/Qwen2.5-72B-Instruct-Turbo",
      type: "chat",
      display_name: "Qwen2.5 72B",
      context_length: 32_768,
      pricing: { hourly: 0, input: 1.2, output: 1.2, base: 0, finetune: 0 }
    },
    model("Qwen/Qwen2.5-72B-Instruct-Turbo", {
      name: "Qwen2.5 72B",
      contextWindow: 32_768,
      promptPrice: "1.2",
      completionPrice: "1.2",
      kind: "chat"
    })
  ],
  [
    "together",
    undefined,
    { id: "black-forest/flux", type: "image", pricing: { input: 0, output: 0 } },
    model("black-forest/flux", { kind: "image" })
  ],
  [
    "deepinfra",
    "data",
    {
      id: "meta-llama/Llama-3.3-70B-Instruct",
      metadata: { context_length: 131_072, pricing: { input_tokens: 0.23, output_tokens: 0.4 } }
    },
    model("meta-llama/Llama-3.3-70B-Instruct", {
      contextWindow: 131_072,
      promptPrice: "0.23",
      completionPrice: "0.4"
    })
  ],
  [
    "novita",
    "data",
    {
      id: "deepseek/deepseek-v3",
      model_type: "chat",
      context_size: 64_000,
      input_token_price_per_m: 4_000,
      output_token_price_per_m: 13_000
    },
    model("deepseek/deepseek-v3", {
      contextWindow: 64_000,
      promptPrice: "0.4",
      completionPrice: "1.3",
      kind: "chat"
    })
  ],
  [
    "vercel",
    "data",
    {
      id: "anthropic/claude-sonnet-4.5",
      name: "Claude Sonnet 4.5",
      type: "language",
      context_window: 200_000,
      max_tokens: 64_000,
      pricing: { input: "0.000003", output: "0.000015" }
    },
    model("anthropic/claude-sonnet-4.5", {
      name: "Claude Sonnet 4.5",
      contextWindow: 200_000,
      promptPrice: "3",
      completionPrice: "15",
      kind: "chat"
    })
  ],
  ["vllm", "data", { id: "Qwen/Qwen3-8B", max_model_len: 40_960 }, model("Qwen/Qwen3-8B", { contextWindow: 40_960 })],
  [
    "openai-compatible",
    "data",
    { id: "m", pricing: { prompt: "0.000001", completion: "0.000002" }, context_length: 8_192 },
    model("m", { contextWindow: 8_192 })
  ]
]

describe("an entry of a list of models", () => {
  for (const [vendor, member, entry, found] of entries) {
    it(`of ${vendor} is read: ${found.id}`, () => {
      const body = member === undefined ? [entry] : { [member]: [entry] }
      assert.deepStrictEqual(page(vendor, body).models, [found])
    })
  }

  it("that is not offered any more, or has no usable id, is left out", () => {
    const data = [
      { id: "old", active: false },
      { id: "older", archived: true },
      { id: 5 },
      { id: "" },
      { id: "with\u0000nul" },
      { id: "with blank" },
      { id: "x".repeat(301) },
      "text",
      null,
      { id: "good" }
    ]
    assert.deepStrictEqual(page("groq", { data }).models, [model("good")])
  })

  it("has no window where the number can be none", () => {
    for (const context_length of [0, -1, 1.5, "many", 2 ** 40, null, {}]) {
      assert.deepStrictEqual(page("openai-compatible", { data: [{ id: "m", context_length }] }).models, [model("m")])
    }
  })
})

describe("a list of models", () => {
  it("may be empty, in every shape", () => {
    for (const empty of [[], { data: [] }, { models: null }, { result: [] }]) {
      assert.deepStrictEqual(page("ollama", empty), { models: [], next: undefined })
    }
  })

  it("is refused where it is none", () => {
    const refused: ReadonlyArray<readonly [string, string]> = [
      ["<html>", "not JSON"],
      ["{}", "no list"],
      ['{"data":{"id":"a"}}', "no list"],
      ['"a"', "no list"],
      ["null", "no list"],
      ["[1,2]", "names none"],
      ['{"data":[{"key":"a"}]}', "names none"]
    ]
    for (const [body, why] of refused) {
      assert.include(
        Either.getOrElse(Either.flip(read("openai", body)), () => assert.fail(body)),
        why
      )
    }
  })

  it("of Anthropic goes on after its last id", () => {
    const body = { data: [{ id: "a" }, { id: "b" }], has_more: true, last_id: "b" }
    assert.deepStrictEqual(page("anthropic", body).next, { after_id: "b" })
    assert.isUndefined(page("anthropic", { ...body, has_more: false }).next)
    assert.isUndefined(page("openai", body).next)
  })

  it("of Gemini goes on with its token", () => {
    assert.deepStrictEqual(page("gemini", { models: [{ name: "models/a" }], nextPageToken: "t" }).next, {
      pageToken: "t"
    })
    assert.isUndefined(page("gemini", { models: [{ name: "models/a" }], nextPageToken: "" }).next)
  })

  it("of Cloudflare goes on until all are counted", () => {
    const next = (result_info: object) => page("cloudflare", { result: [{ name: "@cf/a/b" }], result_info }).next
    assert.deepStrictEqual(next({ page: 1, per_page: 50, total_count: 120 }), { page: "2" })
    assert.deepStrictEqual(next({ page: 2, per_page: 50, total_pages: 3 }), { page: "3" })
    assert.isUndefined(next({ page: 3, per_page: 50, total_count: 120, total_pages: 3 }))
    assert.isUndefined(next({}))
  })

  it("is asked for with what the vendor needs to tell more than ids, and with the page", () => {
    assert.strictEqual(ModelList.pathOf("nebius", "/v1/models", {}), "/v1/models?verbose=true")
    assert.strictEqual(
      ModelList.pathOf("gemini", "/v1beta/models?pageSize=1000", { pageToken: "a&b" }),
      "/v1beta/models?pageSize=1000&pageToken=a%26b"
    )
    assert.strictEqual(ModelList.pathOf("openai", "/v1/models", {}), "/v1/models")
  })
})
