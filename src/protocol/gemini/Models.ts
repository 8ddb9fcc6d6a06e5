/**
 * Which generation a model is of, by its name: 2.5 for `gemini-2.5-flash`. An alias without a number
 * (`gemini-flash-latest`) is of the newest. `undefined` for a name that is not Gemini's, as `gemma-3-27b-it`.
 */
export const generation = (model: string): number | undefined => {
  const [, rest] = /(?:^|\/)gemini-(.*)/i.exec(model) ?? []
  if (rest === undefined) return undefined
  const [number] = /^\d+(?:\.\d+)?/.exec(rest) ?? []
  return number === undefined ? Number.POSITIVE_INFINITY : Number(number)
}

/** Is it Gemini 3 or a later one, which signs its tool calls and takes media in what a tool gave? */
export const isThirdOrLater = (model: string): boolean => (generation(model) ?? 0) >= 3

/** Does the model take an instruction of the system? The older Gemmas do not. */
export const isInstructed = (model: string): boolean => !/(?:^|\/)gemma-[123]\b/i.test(model)
