import * as Tokenizer from "./Tokenizer.js"

/**
 * Counts tokens for whoever cannot wait: with the tokenizer once it is loaded, and until then roughly. The first count
 * starts to load it.
 */
export class TokenSampler {
  private counted: Tokenizer.Count = Tokenizer.roughly
  private wanted = false

  constructor(private readonly load: () => Promise<Tokenizer.Count> = Tokenizer.load) {}

  /** Of all these texts together. The work is bounded by their length: a million characters take a tenth of a second. */
  count(texts: ReadonlyArray<string>): number {
    if (!this.wanted) void this.start()
    let tokens = 0
    for (const text of texts) tokens += Tokenizer.isCostly(text) ? Tokenizer.roughly(text) : this.counted(text)
    return tokens
  }

  private async start(): Promise<void> {
    this.wanted = true
    try {
      this.counted = await this.load()
    } catch {
      // Rough counts are good enough to go on with.
    }
  }
}
