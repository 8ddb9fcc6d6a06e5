import type { VendorSlug } from "../config/Vendors.js"
import * as KnownNames from "./KnownNames.js"

/** The name by which a model is the same one at every vendor, and how it was found. */
export interface CanonicalName {
  readonly modelId: string
  /** The rules that had something to say, in their order. */
  readonly applied: ReadonlyArray<Applied>
}

/** A rule, and what it said of an id. */
export interface Applied {
  readonly rule: string
  readonly because: string
}

/** What else a vendor says of a model that tells which one it is. */
export interface Facts {
  /** How its weights are stored, as `Q4_K_M`. */
  readonly quantization?: string | undefined
}

/**
 * The canonical name of a vendor's id. A name that is not known to mean the same model as another stays its own, since a request
 * that is answered by another model is worse than a candidate less. So nothing is ever cut off: neither a date, as a snapshot is a
 * model of its own, nor a variant, as `-turbo`, `-fp8` or `:thinking`. Nor is `:free`: it has the same weights, but limits and terms
 * (what is said may be kept and trained on) that nobody should get who did not ask for them.
 */
export const of = (vendor: VendorSlug, id: string, facts: Facts = {}): CanonicalName => {
  const applied: Array<Applied> = []
  let modelId = id
  // What one rule leaves may be what an earlier one knows.
  for (let pass = 0, before: string | undefined; pass < passes && before !== modelId; pass++) {
    before = modelId
    for (const { because, name, rewrite } of rules) {
      const found = rewrite(modelId, vendor, facts)
      if (found === undefined || found === modelId) continue
      const said: Said = typeof found === "string" ? { to: found } : found
      applied.push({ rule: name, because: said.because ?? because })
      modelId = said.to
      if (said.last) return { modelId, applied }
    }
  }
  return { modelId, applied }
}

const passes = 3

/** A line for people: `anthropic/claude-3.5-sonnet -> claude-3-5-sonnet: maker (...); claude (...)`. */
export const explain = (id: string, { applied, modelId }: CanonicalName): string => {
  const why = applied.map(({ because, rule }) => `${rule} (${because})`).join("; ")
  return modelId === id ? `${id}: ${why === "" ? "its own name" : why}` : `${id} -> ${modelId}: ${why}`
}

interface Said {
  readonly to: string
  /** Where the rule's own reason is not enough. */
  readonly because?: string
  /** No rule after this one is asked. */
  readonly last?: true
}

/** Turns an id into one that is nearer to the canonical name. */
interface Rule {
  readonly name: string
  /** A part of a sentence. */
  readonly because: string
  /** `undefined`: it does not apply. */
  readonly rewrite: (id: string, vendor: VendorSlug, facts: Facts) => string | Said | undefined
}

/** In this order. Applied to its own outcome the whole changes nothing. */
const rules: ReadonlyArray<Rule> = [
  {
    name: "case",
    because: "some vendors write capitals as Hugging Face does",
    rewrite: (id) => id.toLowerCase()
  },
  {
    name: "file",
    because: "it runs files whose name does not tell how much of the model is left in them",
    rewrite: (id, vendor) => {
      if (vendor !== "lmstudio" && vendor !== "llamacpp") return undefined
      return { to: id.startsWith(`${vendor}/`) ? id : `${vendor}/${id}`, last: true }
    }
  },
  {
    name: "known",
    because: "the table of known names has it",
    rewrite: (id, vendor) => {
      const known = KnownNames.knownNames.find((each) => each.id === id && each.vendors.includes(vendor))
      return known && { to: known.means, because: known.because, last: true }
    }
  },
  {
    name: "ollama",
    because: "a tag of Ollama's library is a size, and how the weights are stored",
    rewrite: (id, vendor, facts) => (vendor === "ollama" ? ofTag(id, facts) : undefined)
  },
  {
    name: "fireworks",
    because: "Fireworks puts its account before a name, and `p` for a point",
    rewrite: (id, vendor) => {
      const [, name] = vendor === "fireworks" ? (/^accounts\/fireworks\/models\/([^/]+)$/.exec(id) ?? []) : []
      return name?.replace(/(?<=\d)p(?=\d)/g, ".").replace(/^llama-v(?=\d)/, "llama-")
    }
  },
  {
    name: "google",
    because: "Google's form of an id is a path",
    rewrite: (id, vendor) => (vendor === "gemini" ? id.replace(/^models\/(?=[^/]+$)/, "") : undefined)
  },
  {
    name: "maker",
    because: "the model's maker is named before it",
    rewrite: (id, vendor) => {
      // Before a name at Ollama stands whoever has put it there.
      if (vendor === "ollama") return undefined
      const [, maker, name] = /^(?:@(?:cf|hf)\/)?([^/@]+)\/([^/]+)$/.exec(id) ?? []
      if (maker === undefined || name === undefined) return undefined
      // Without a version a name moves, and not at every vendor at once.
      const fixed = /\d/.test(name) && !/-latest\b/.test(name)
      return fixed && KnownNames.makers.get(maker)?.test(name) ? name : undefined
    }
  },
  {
    name: "llama",
    because: "Meta's older names begin with its own",
    rewrite: (id) => id.replace(/^meta-(?=llama-\d)/, "")
  },
  {
    name: "qwen",
    because: "Qwen writes its version without a dash",
    rewrite: (id) => id.replace(/^qwen-(?=\d(?:\.\d+)?-)/, "qwen")
  },
  {
    name: "gemma",
    because: "Google writes Gemma's version after a dash",
    rewrite: (id) => id.replace(/^gemma(?=\d-)/, "gemma-")
  },
  {
    name: "claude",
    because: "Anthropic writes a version with dashes",
    rewrite: (id) => (id.startsWith("claude-") ? id.replace(/(?<=\d)\.(?=\d)/g, "-") : undefined)
  },
  {
    name: "snapshot",
    because: "this version has one snapshot, and the alias has never meant another",
    rewrite: (id) => KnownNames.onlySnapshots.get(id)
  }
]

/** `70b`, `70b-instruct`, `70b-instruct-q4_k_m`; what else a tag may say is not understood, so the id stays. */
const ofTag = (id: string, { quantization }: Facts): Said | undefined => {
  const [, family, size, stored] =
    /^([^/:]+):(\d+(?:\.\d+)?b)(?:-instruct|-it)?(?:-(q\d\w*|f(?:p)?16|bf16))?$/.exec(id) ?? []
  const form = family === undefined ? undefined : KnownNames.ollamaFamilies.get(family)
  if (form === undefined || size === undefined) return undefined
  const whole = form.replace("*", size)
  const kept = (stored ?? quantization)?.toLowerCase()
  return kept === undefined || KnownNames.isWhole(kept, whole)
    ? { to: whole, because: `Ollama calls ${whole} so` }
    : { to: `${whole}-${kept}`, because: `it is ${whole}, of which ${kept} has left less` }
}
