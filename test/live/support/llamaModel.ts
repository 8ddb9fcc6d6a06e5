import { join } from "node:path"
import { pathToFileURL } from "node:url"

/** What is to be written, and how. */
export interface Task {
  readonly prompt: string
  readonly maxTokens: number
  readonly seed: number
  readonly temperature: number
}

/** Whole characters, and how many tokens they took. */
export interface Piece {
  readonly text: string
  readonly tokens: number
}

/** A model in memory. */
export interface Model {
  /** How many tokens a text is. */
  readonly count: (text: string) => number
  /** Infers token by token, and only as fast as the pieces are taken. To stop, leave the loop. */
  readonly write: (task: Task) => AsyncGenerator<Piece, void>
}

/** Loads the model from the folder that scripts/local-model.mjs prints. */
export const load = async (folder: string): Promise<Model> => {
  const entry = join(folder, "node_modules/node-llama-cpp/dist/index.js")
  const { LlamaGrammarEvaluationState, getLlama }: NodeLlamaCpp = await import(pathToFileURL(entry).href)
  const llama = await getLlama({ gpu: false, build: "never", maxThreads: 1, progressLogs: false, logLevel: "error" })
  const loaded = await llama.loadModel({ modelPath: join(folder, "tiny.gguf") })
  const letters = await llama.createGrammar({ grammar })

  const write = async function* ({ maxTokens, prompt, seed, temperature }: Task): AsyncGenerator<Piece, void> {
    const context = await loaded.createContext({ contextSize: 512, sequences: 1, threads: 1 })
    try {
      const grammarEvaluationState = new LlamaGrammarEvaluationState({ model: loaded, grammar: letters })
      const options = { seed, temperature, topK: 0, topP: 1, minP: 0, grammarEvaluationState }
      let tokens = 0
      let pending: Array<number> = []
      for await (const token of context.getSequence().evaluate(loaded.tokenize(prompt), options)) {
        tokens += 1
        pending.push(token)
        const text = loaded.detokenize(pending)
        // As llama.cpp's server does it: a character whose bytes are not all there is held back.
        const whole = !text.endsWith("\uFFFD")
        if (whole || tokens === maxTokens) yield { text: whole ? text : "", tokens: pending.length }
        if (whole) pending = []
        if (tokens === maxTokens) return
      }
    } finally {
      await context.dispose()
    }
  }
  return { count: (text) => loaded.tokenize(text).length, write }
}

/**
 * Random weights make random bytes; this lets them be nothing but whole characters of one to four bytes, each byte above
 * ASCII a token of its own, and never an end. (The four bytes do not begin with F0 as those of an emoji would: after an F0
 * llama.cpp's grammars also take the other characters in forms that are too long, which is no UTF-8.)
 */
const grammar = String.raw`
root ::= letter root
letter ::= [a-e] | "é" | "ß" | "€" | "日" | "本" | "\U0010ABCD"
`

/** As much of the library as is used; it is not among the packages, so its own types are not there. */
interface NodeLlamaCpp {
  readonly getLlama: (options: object) => Promise<{
    readonly loadModel: (options: { readonly modelPath: string }) => Promise<LoadedModel>
    readonly createGrammar: (options: { readonly grammar: string }) => Promise<object>
  }>
  readonly LlamaGrammarEvaluationState: new (of: { readonly model: LoadedModel; readonly grammar: object }) => object
}

interface LoadedModel {
  readonly tokenize: (text: string) => ReadonlyArray<number>
  readonly detokenize: (tokens: ReadonlyArray<number>) => string
  readonly createContext: (options: object) => Promise<{
    readonly getSequence: () => {
      readonly evaluate: (tokens: ReadonlyArray<number>, options: object) => AsyncIterable<number>
    }
    readonly dispose: () => Promise<void>
  }>
}
