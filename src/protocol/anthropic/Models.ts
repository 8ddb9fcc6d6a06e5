/** What sets the generations of Claude apart in what they take; each refuses what it does not know. */
export interface Traits {
  /** How it is told to think: by a budget of tokens, by an effort (`adaptive`), by either, or not at all. */
  readonly thinking: "none" | "budget" | "both" | "adaptive"
  /** What keeps it from thinking: it does not by itself, a word in `thinking.type` does, nothing does. */
  readonly idle: "by itself" | "disabled" | "between_tools" | "never"
  /** Levels of effort, where thinking is adaptive; the least first. */
  readonly efforts: ReadonlyArray<string>
  /** It shows its thoughts only when asked to. */
  readonly hidesThoughts: boolean
  /** Takes `temperature` and `top_p` together, one of them, or neither and no `top_k`. */
  readonly sampling: "both" | "one" | "none"
  /** May be made to call a tool. */
  readonly forced: boolean
  /** Knows `output_config.format` and `strict` tools. */
  readonly structured: boolean
  /** The most that it writes, in tokens; `undefined`: not known. */
  readonly maxOutput: number | undefined
}

/**
 * By the model's name, in whatever form a cloud writes it: `claude-sonnet-4-5-20250929`, `claude-3-7-sonnet-latest`,
 * `anthropic.claude-opus-4-6-v1`, `anthropic/claude-opus-4.6`. One without a number is of the newest generation. Sources:
 * https://platform.claude.com/docs/en/build-with-claude/thinking, .../structured-outputs,
 * https://platform.claude.com/docs/en/about-claude/models/overview, and the tables of `@ai-sdk/anthropic`.
 */
export const traits = (model: string): Traits => {
  const claude = read(model)
  if (claude === undefined) return other
  const { family, version } = claude
  return {
    thinking: version < 3.07 ? "none" : version < 4.06 ? "budget" : version < 4.07 ? "both" : "adaptive",
    idle: idle(family, version),
    efforts: version < 4.07 ? ["low", "medium", "high", "max"] : ["low", "medium", "high", "xhigh", "max"],
    hidesThoughts: version >= 4.07,
    sampling: version < 4.01 ? "both" : version < 4.07 ? "one" : "none",
    forced: family === "haiku" || version < (family === "opus" || family === "sonnet" ? 5.05 : 5.01),
    structured: version >= 4.05 || (family === "opus" && version === 4.01),
    maxOutput: maxOutput(family, version)
  }
}

/** Other models behind the same API: nothing that only Claude knows, and no more than every one takes. */
const other: Traits = {
  thinking: "budget",
  idle: "disabled",
  efforts: [],
  hidesThoughts: false,
  sampling: "both",
  forced: true,
  structured: false,
  maxOutput: undefined
}

interface Claude {
  readonly family: string | undefined
  /** 4.05 is 4.5, so that there is room for 4.10. */
  readonly version: number
}

const read = (model: string): Claude | undefined => {
  const [, rest] = /claude(.*)/is.exec(model) ?? []
  if (rest === undefined) return undefined
  const words = rest.toLowerCase().split(/[^a-z0-9]+/)
  const family = words.find((word) => /^(?:opus|sonnet|haiku|fable|mythos)$/.test(word))
  const at = words.findIndex((word) => /^v?\d{1,2}$/.test(word))
  if (at < 0) return { family, version: words.includes("preview") ? 5 : Number.POSITIVE_INFINITY }
  const minor = /^\d{1,2}$/.exec(words[at + 1] ?? "")?.[0] ?? "0"
  return { family, version: Number(`${words[at]?.replace("v", "")}.${minor.padStart(2, "0")}`) }
}

const idle = (family: string | undefined, version: number): Traits["idle"] => {
  if (version < 5) return family === "mythos" ? "never" : "by itself"
  if (family === "haiku" || ((family === "opus" || family === "sonnet") && version < 5.05)) return "disabled"
  return family === "sonnet" ? "between_tools" : "never"
}

const maxOutput = (family: string | undefined, version: number): number => {
  if (version < 3.05) return 4_096
  if (version < 3.07) return 8_192
  if (version >= 4.06) return 128_000
  return family === "opus" && version >= 4 && version < 4.05 ? 32_000 : 64_000
}
