import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as CanonicalName from "../../src/catalog/CanonicalName.js"
import * as KnownNames from "../../src/catalog/KnownNames.js"
import { vendorSlugs, type VendorSlug } from "../../src/config/Vendors.js"

type Known = readonly [vendor: VendorSlug, id: string, facts?: CanonicalName.Facts]

const canonical = ([vendor, id, facts]: Known): string => CanonicalName.of(vendor, id, facts).modelId

const same: Readonly<Record<string, ReadonlyArray<Known>>> = {
  "gpt-4o": [
    ["openai", "gpt-4o"],
    ["openrouter", "openai/gpt-4o"],
    ["vercel", "openai/gpt-4o"]
  ],
  "gpt-4o-2024-08-06": [
    ["openai", "gpt-4o-2024-08-06"],
    ["openrouter", "openai/gpt-4o-2024-08-06"]
  ],
  "o3-mini": [
    ["openai", "o3-mini"],
    ["openrouter", "openai/o3-mini"]
  ],
  "text-embedding-3-small": [
    ["openai", "text-embedding-3-small"],
    ["vercel", "openai/text-embedding-3-small"]
  ],
  "claude-3-5-sonnet": [["openrouter", "anthropic/claude-3.5-sonnet"]],
  "claude-3-5-sonnet-20241022": [["anthropic", "claude-3-5-sonnet-20241022"]],
  "claude-3-5-sonnet-20240620": [
    ["anthropic", "claude-3-5-sonnet-20240620"],
    ["openrouter", "anthropic/claude-3.5-sonnet-20240620"]
  ],
  "claude-3-7-sonnet": [
    ["anthropic", "claude-3-7-sonnet-20250219"],
    ["openrouter", "anthropic/claude-3.7-sonnet"]
  ],
  "claude-3-haiku": [
    ["anthropic", "claude-3-haiku-20240307"],
    ["openrouter", "anthropic/claude-3-haiku"]
  ],
  "claude-sonnet-4-0": [
    ["anthropic", "claude-sonnet-4-20250514"],
    ["anthropic", "claude-sonnet-4-0"],
    ["openrouter", "anthropic/claude-sonnet-4"],
    ["vercel", "anthropic/claude-sonnet-4"]
  ],
  "claude-sonnet-4-5": [
    ["anthropic", "claude-sonnet-4-5-20250929"],
    ["anthropic", "claude-sonnet-4-5"],
    ["openrouter", "anthropic/claude-sonnet-4.5"],
    ["vercel", "anthropic/claude-sonnet-4.5"]
  ],
  "claude-opus-4-1": [
    ["anthropic", "claude-opus-4-1-20250805"],
    ["openrouter", "anthropic/claude-opus-4.1"]
  ],
  "gemini-2.5-flash": [
    ["gemini", "gemini-2.5-flash"],
    ["gemini", "models/gemini-2.5-flash"],
    ["openrouter", "google/gemini-2.5-flash"]
  ],
  "gemini-2.0-flash-001": [
    ["gemini", "gemini-2.0-flash-001"],
    ["openrouter", "google/gemini-2.0-flash-001"]
  ],
  "llama-3.3-70b-instruct": [
    ["together", "meta-llama/Llama-3.3-70B-Instruct"],
    ["deepinfra", "meta-llama/Llama-3.3-70B-Instruct"],
    ["huggingface", "meta-llama/Llama-3.3-70B-Instruct"],
    ["fireworks", "accounts/fireworks/models/llama-v3p3-70b-instruct"],
    ["groq", "llama-3.3-70b-versatile"],
    ["cerebras", "llama-3.3-70b"],
    ["openrouter", "meta-llama/llama-3.3-70b-instruct"],
    ["nvidia", "meta/llama-3.3-70b-instruct"],
    ["sambanova", "Meta-Llama-3.3-70B-Instruct"],
    ["ollama", "llama3.3:70b"],
    ["ollama", "llama3.3:70b-instruct-fp16", { quantization: "F16" }]
  ],
  "llama-3.1-8b-instruct": [
    ["groq", "llama-3.1-8b-instant"],
    ["cerebras", "llama3.1-8b"],
    ["cloudflare", "@cf/meta/llama-3.1-8b-instruct"],
    ["deepinfra", "meta-llama/Meta-Llama-3.1-8B-Instruct"]
  ],
  "llama-3.3-70b-instruct-q4_k_m": [
    ["ollama", "llama3.3:70b", { quantization: "Q4_K_M" }],
    ["ollama", "llama3.3:70b-instruct-q4_K_M", { quantization: "Q4_K_M" }],
    ["ollama", "llama3.3:70b-instruct-q4_K_M"]
  ],
  "llama-3.3-70b-instruct-fp8-fast": [["cloudflare", "@cf/meta/llama-3.3-70b-instruct-fp8-fast"]],
  "llama-3.3-70b-instruct-turbo": [["together", "meta-llama/Llama-3.3-70B-Instruct-Turbo"]],
  "llama-3.3-70b-instruct:free": [["openrouter", "meta-llama/llama-3.3-70b-instruct:free"]],
  "qwen2.5-72b-instruct": [
    ["alibaba", "qwen2.5-72b-instruct"],
    ["huggingface", "Qwen/Qwen2.5-72B-Instruct"],
    ["openrouter", "qwen/qwen-2.5-72b-instruct"],
    ["fireworks", "accounts/fireworks/models/qwen2p5-72b-instruct"]
  ],
  "qwen3-32b": [
    ["groq", "qwen/qwen3-32b"],
    ["cerebras", "qwen-3-32b"],
    ["deepinfra", "Qwen/Qwen3-32B"],
    ["vercel", "alibaba/qwen-3-32b"]
  ],
  "gemma-2-9b-it": [
    ["groq", "gemma2-9b-it"],
    ["openrouter", "google/gemma-2-9b-it"],
    ["ollama", "gemma2:9b-instruct-fp16", { quantization: "F16" }]
  ],
  "gpt-oss-120b": [
    ["groq", "openai/gpt-oss-120b"],
    ["cerebras", "gpt-oss-120b"],
    ["cloudflare", "@cf/openai/gpt-oss-120b"],
    ["fireworks", "accounts/fireworks/models/gpt-oss-120b"],
    ["ollama", "gpt-oss:120b", { quantization: "MXFP4" }]
  ],
  "kimi-k2.6": [
    ["moonshot", "kimi-k2.6"],
    ["deepinfra", "moonshotai/Kimi-K2.6"],
    ["fireworks", "accounts/fireworks/models/kimi-k2p6"]
  ],
  "glm-5.2": [
    ["zai", "glm-5.2"],
    ["deepinfra", "zai-org/GLM-5.2"],
    ["openrouter", "z-ai/glm-5.2"],
    ["fireworks", "accounts/fireworks/models/glm-5p2"]
  ],
  "deepseek-v3": [
    ["openrouter", "deepseek/deepseek-chat"],
    ["deepinfra", "deepseek-ai/DeepSeek-V3"]
  ],
  "deepseek-v3-0324": [
    ["openrouter", "deepseek/deepseek-chat-v3-0324"],
    ["deepinfra", "deepseek-ai/DeepSeek-V3-0324"]
  ],
  "deepseek-r1-0528": [
    ["openrouter", "deepseek/deepseek-r1-0528"],
    ["sambanova", "DeepSeek-R1-0528"]
  ],
  "mistral-large-2411": [
    ["mistral", "mistral-large-2411"],
    ["openrouter", "mistralai/mistral-large-2411"]
  ],
  "grok-3": [
    ["xai", "grok-3"],
    ["openrouter", "x-ai/grok-3"],
    ["vercel", "xai/grok-3"]
  ],
  "bge-m3": [
    ["cloudflare", "@cf/baai/bge-m3"],
    ["deepinfra", "BAAI/bge-m3"]
  ],
  "openrouter/auto": [["openrouter", "openrouter/auto"]],
  "unsloth/llama-3.3-70b-instruct": [["huggingface", "unsloth/Llama-3.3-70B-Instruct"]],
  "accounts/me/models/llama-v3p3-70b-instruct": [["fireworks", "accounts/me/models/llama-v3p3-70b-instruct"]],
  "lmstudio/llama-3.3-70b-instruct": [["lmstudio", "llama-3.3-70b-instruct"]]
}

/** Two models, however alike they are called. */
const apart: ReadonlyArray<readonly [Known, Known]> = [
  // Snapshots, and aliases that have meant more than one.
  [
    ["openai", "gpt-4o"],
    ["openai", "gpt-4o-2024-08-06"]
  ],
  [
    ["openai", "gpt-4o-2024-08-06"],
    ["openai", "gpt-4o-2024-11-20"]
  ],
  [
    ["openrouter", "anthropic/claude-3.5-sonnet"],
    ["anthropic", "claude-3-5-sonnet-20241022"]
  ],
  [
    ["anthropic", "claude-3-5-sonnet-20240620"],
    ["anthropic", "claude-3-5-sonnet-20241022"]
  ],
  [
    ["gemini", "gemini-2.0-flash"],
    ["gemini", "gemini-2.0-flash-001"]
  ],
  [
    ["openai", "chatgpt-4o-latest"],
    ["openai", "gpt-4o"]
  ],
  [
    ["mistral", "mistral-large-latest"],
    ["openrouter", "mistralai/mistral-large"]
  ],
  // The same words, which each vendor has moved in its own time.
  [
    ["deepseek", "deepseek-chat"],
    ["openrouter", "deepseek/deepseek-chat"]
  ],
  [
    ["alibaba", "qwen-max"],
    ["openrouter", "qwen/qwen-max"]
  ],
  [
    ["together", "deepseek-ai/DeepSeek-V3"],
    ["deepinfra", "deepseek-ai/DeepSeek-V3"]
  ],
  [
    ["together", "deepseek-ai/DeepSeek-R1"],
    ["openrouter", "deepseek/deepseek-r1"]
  ],
  // Variants.
  [
    ["openrouter", "meta-llama/llama-3.3-70b-instruct"],
    ["openrouter", "meta-llama/llama-3.3-70b-instruct:free"]
  ],
  [
    ["openrouter", "anthropic/claude-3.7-sonnet"],
    ["openrouter", "anthropic/claude-3.7-sonnet:thinking"]
  ],
  [
    ["openrouter", "openai/gpt-4o"],
    ["openrouter", "openai/gpt-4o:extended"]
  ],
  [
    ["together", "meta-llama/Llama-3.3-70B-Instruct"],
    ["together", "meta-llama/Llama-3.3-70B-Instruct-Turbo"]
  ],
  [
    ["together", "meta-llama/Llama-3.3-70B-Instruct"],
    ["cloudflare", "@cf/meta/llama-3.3-70b-instruct-fp8-fast"]
  ],
  [
    ["deepinfra", "Qwen/Qwen3-32B"],
    ["ollama", "qwen3:32b", { quantization: "Q4_K_M" }]
  ],
  [
    ["openai", "gpt-4o"],
    ["openai", "gpt-4o-mini"]
  ],
  [
    ["openai", "gpt-4o"],
    ["openai", "gpt-4o-audio-preview"]
  ],
  // Quantised, or nobody knows how much.
  [
    ["groq", "llama-3.3-70b-versatile"],
    ["ollama", "llama3.3:70b", { quantization: "Q4_K_M" }]
  ],
  [
    ["ollama", "llama3.3:70b-instruct-q8_0"],
    ["ollama", "llama3.3:70b-instruct-q4_K_M"]
  ],
  [
    ["groq", "llama-3.3-70b-versatile"],
    ["lmstudio", "llama-3.3-70b-instruct"]
  ],
  // Others' copies and distillates, base models and other sizes.
  [
    ["huggingface", "meta-llama/Llama-3.3-70B-Instruct"],
    ["huggingface", "unsloth/Llama-3.3-70B-Instruct"]
  ],
  [
    ["groq", "llama-3.3-70b-versatile"],
    ["ollama", "someone/llama3.3:70b"]
  ],
  [
    ["fireworks", "accounts/fireworks/models/qwen3-8b"],
    ["fireworks", "accounts/me/models/qwen3-8b"]
  ],
  [
    ["openrouter", "deepseek/deepseek-r1"],
    ["ollama", "deepseek-r1:70b"]
  ],
  [
    ["openrouter", "deepseek/deepseek-r1"],
    ["groq", "deepseek-r1-distill-llama-70b"]
  ],
  [
    ["deepinfra", "meta-llama/Llama-3.1-8B"],
    ["deepinfra", "meta-llama/Llama-3.1-8B-Instruct"]
  ],
  [
    ["ollama", "llama3.1:8b-text-q4_K_M"],
    ["ollama", "llama3.1:8b-instruct-q4_K_M"]
  ],
  [
    ["ollama", "llama3.1:8b"],
    ["ollama", "llama3.1:70b"]
  ],
  [
    ["ollama", "llama3:latest"],
    ["ollama", "llama3:8b"]
  ],
  [
    ["ollama", "gemma3:27b-it-qat"],
    ["gemini", "gemma-3-27b-it"]
  ]
]

describe("the canonical name", () => {
  for (const [name, ids] of Object.entries(same)) {
    for (const known of ids) {
      const [vendor, id, { quantization } = {}] = known
      it(`of ${vendor}'s ${id}${quantization === undefined ? "" : ` in ${quantization}`} is ${name}`, () => {
        assert.strictEqual(canonical(known), name)
      })
    }
  }

  for (const [one, other] of apart) {
    it(`keeps ${one[0]}'s ${one[1]} apart from ${other[0]}'s ${other[1]}`, () => {
      assert.notStrictEqual(canonical(one), canonical(other))
    })
  }

  it("of a canonical name is that name", () => {
    const part = FastCheck.constantFrom(
      ...KnownNames.makers.keys(),
      ...KnownNames.knownNames.flatMap(({ id, means }) => [id, means]),
      ...KnownNames.onlySnapshots.keys(),
      ...KnownNames.ollamaFamilies.keys(),
      ...Object.values(same).flatMap((ids) => ids.map(([, id]) => id)),
      ..."accounts/fireworks/models @cf @hf models meta- llama-v3p3 gemma2-9b qwen-3-8b claude-3.5.6 :70b -fp16 -latest".split(
        " "
      )
    )
    const id = FastCheck.array(FastCheck.oneof(part, FastCheck.string({ maxLength: 4 })), { maxLength: 4 }).chain(
      (parts) => FastCheck.constantFrom("", "/", "-", ":").map((glue) => parts.join(glue))
    )
    const quantization = FastCheck.constantFrom(undefined, "Q4_K_M", "F16", "MXFP4")
    FastCheck.assert(
      FastCheck.property(FastCheck.constantFrom(...vendorSlugs), id, quantization, (vendor, anything, stored) => {
        const once = CanonicalName.of(vendor, anything, { quantization: stored }).modelId
        assert.strictEqual(CanonicalName.of(vendor, once, { quantization: stored }).modelId, once)
      }),
      { numRuns: 5_000 }
    )
  })

  it("is explained by the rules that made it, in their order", () => {
    const explain = (vendor: VendorSlug, id: string, facts?: CanonicalName.Facts) =>
      CanonicalName.explain(id, CanonicalName.of(vendor, id, facts))
    assert.strictEqual(
      explain("openrouter", "anthropic/claude-3.5-sonnet"),
      "anthropic/claude-3.5-sonnet -> claude-3-5-sonnet: maker (the model's maker is named before it); claude (Anthropic writes a version with dashes)"
    )
    assert.strictEqual(explain("openai", "gpt-4o"), "gpt-4o: its own name")
    assert.include(explain("groq", "llama-3.3-70b-versatile"), "known (Groq's model card names")
    assert.include(explain("together", "deepseek-ai/deepseek-v3"), "deepseek-ai/deepseek-v3: known (Together has")
    assert.include(explain("ollama", "llama3.3:70b", { quantization: "Q4_K_M" }), "of which q4_k_m has left less")
  })

  it("is what each entry of the table of known names says, and no entry is said twice", () => {
    const keys = KnownNames.knownNames.flatMap(({ id, vendors }) => vendors.map((vendor) => `${vendor} ${id}`))
    assert.lengthOf(new Set(keys), keys.length)
    for (const { id, means, vendors } of KnownNames.knownNames) {
      for (const vendor of vendors) assert.strictEqual(canonical([vendor, id.toUpperCase()]), means)
    }
  })
})
