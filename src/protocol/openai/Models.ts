/** What OpenAI's models refuse with a 400, told by their names. */
export interface Rules {
  /** `reasoning_effort` in these words; none: it does not reason. */
  readonly efforts: ReadonlyArray<string>
  /** `temperature`, `top_p` and the penalties other than their defaults. */
  readonly sampling: boolean
  readonly stop: boolean
  /** `parallel_tool_calls: false`. */
  readonly serialTools: boolean
}

/**
 * The rules of a model by its own name, by OpenRouter's (`openai/...`) or a fine-tune's (`ft:...`). Any other name, also an
 * Azure deployment's, tells nothing, and nothing is held back.
 */
export const rulesOf = (model: string): Rules => {
  const name = model.replace(/^openai\//, "").replace(/^ft:/, "")
  return families.find(([pattern]) => pattern.test(name))?.[1] ?? anything
}

/**
 * Does the model take a temperature and its like beside this `reasoning_effort`? Those that can do without thinking take it
 * then, which for them is the default.
 */
export const samples = ({ efforts, sampling }: Rules, effort: unknown): boolean =>
  sampling || (efforts.includes("none") && (effort === undefined || effort === null || effort === "none"))

const anything: Rules = { efforts: [], sampling: true, stop: true, serialTools: true }

const usual = ["low", "medium", "high"]

const gpt5: Rules = { efforts: usual, sampling: false, stop: false, serialTools: true }

/** The first that fits. Source: the reference of `reasoning_effort` and the models' pages of OpenAI's documentation. */
const families: ReadonlyArray<readonly [RegExp, Rules]> = [
  [/^o\d/, { efforts: usual, sampling: false, stop: false, serialTools: false }],
  [/^gpt-[5-9][\d.]*-chat/, anything],
  [/^gpt-5(?:-(?:mini|nano|\d{4}))?(?![\d.])(?!-(?:pro|codex))/, { ...gpt5, efforts: ["minimal", ...usual] }],
  [/^gpt-5-codex/, gpt5],
  [/^gpt-5(?:[.\d]*)-pro/, { ...gpt5, efforts: ["high"] }],
  [/^gpt-5\.1(?!-codex-max)/, { ...gpt5, efforts: ["none", ...usual] }],
  // xAI's reasoning models.
  [/^(?:x-ai\/)?grok-(?:4|3-mini)/, { ...anything, stop: false }],
  [/^gpt-[5-9]/, { ...gpt5, efforts: ["none", ...usual, "xhigh"] }]
]

/** All words for an effort, the least first. */
const scale = ["none", "minimal", "low", "medium", "high", "xhigh", "max"]

/** The word that a model knows which is nearest to the one that was asked for; of two the lower. */
export const nearestEffort = (asked: string, known: ReadonlyArray<string>): string | undefined => {
  const wanted = scale.indexOf(asked)
  if (known.includes(asked) || wanted < 0) return known.includes(asked) ? asked : undefined
  const thinking = known.filter((word) => word !== "none")
  return thinking.toSorted((a, b) => Math.abs(scale.indexOf(a) - wanted) - Math.abs(scale.indexOf(b) - wanted))[0]
}
