/**
 * What the programs ask for: a question that takes three tools at once, of which one works, one fails, and one shows a
 * picture.
 */
export const system = "You are a guide."
export const question = "What is it like in Hà Nội now?"

export const maxTokens = 8_192

/** A tool as a program declares it. */
export interface Declared {
  readonly name: ToolName
  readonly description: string
  readonly parameters: {
    type: "object"
    properties: Record<string, { type: "string" }>
    required: Array<string>
    additionalProperties: false
  }
}

export type ToolName = "weather" | "clock" | "photo"

const declared = (name: ToolName, description: string, ...names: ReadonlyArray<string>): Declared => ({
  name,
  description,
  parameters: {
    type: "object",
    properties: Object.fromEntries(names.map((each) => [each, { type: "string" as const }])),
    required: [...names],
    additionalProperties: false
  }
})

export const tools: ReadonlyArray<Declared> = [
  declared("weather", "Tells the weather.", "city"),
  declared("clock", "Tells the time."),
  declared("photo", "Takes a picture.", "city")
]

/** What the model calls, in this order. */
export const calls: ReadonlyArray<{ readonly name: ToolName; readonly arguments: Readonly<Record<string, string>> }> = [
  { name: "weather", arguments: { city: "Hà Nội" } },
  { name: "clock", arguments: {} },
  { name: "photo", arguments: { city: "Hà Nội" } }
]

/** What a tool gave. */
export interface Result {
  readonly text: string
  readonly failed: boolean
  /** Base64 of a PNG. */
  readonly image: string | undefined
}

/** A picture of one pixel. */
export const image = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

const results: Readonly<Record<ToolName, Result>> = {
  weather: { text: "21 degrees and sunny", failed: false, image: undefined },
  clock: { text: "it has stopped", failed: true, image: undefined },
  photo: { text: "taken at noon", failed: false, image }
}

/** The result of the call of a tool; throws for arguments that the model never wrote. */
export const run = (name: string, args: unknown): Result => {
  const call = calls.find((each) => each.name === name)
  if (call === undefined || JSON.stringify(args) !== JSON.stringify(call.arguments))
    throw new Error(`no such call: ${name} ${JSON.stringify(args)}`)
  return results[call.name]
}

/** What the model says before it calls the tools, and in the end. */
export const saying = "Let me look."
export const answer = "It is sunny, and nobody knows when."

/** What it thinks meanwhile, where its vendor shows that. */
export const thought = "They want to know a lot."

/** What of the first turn every vendor must be told in the second. */
export const said: ReadonlyArray<string> = [
  question,
  saying,
  ...calls.map(({ name }) => name),
  ...Object.values(results).map(({ text }) => text)
]
