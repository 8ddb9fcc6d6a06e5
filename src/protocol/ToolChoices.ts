import type { Tool, ToolChoice } from "../domain/Prompt.js"

/** A choice of a tool that is not among the functions, as a vendor's own, is none that anybody else understands. */
export const amongTools = (choice: ToolChoice | undefined, tools: ReadonlyArray<Tool>): ToolChoice | undefined =>
  choice?._tag === "Tool" && !tools.some(({ name }) => name === choice.name) ? undefined : choice
