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
    if (!this.wanted) this.start()
    let tokens = 0
    for (const text of texts) tokens += Tokenizer.isCostly(text) ? Tokenizer.roughly(text) : this.counted(text)
    return tokens
  }

  private start(): void {
    this.wanted = true
    void this.load().then(
      (count) => {
        this.counted = count
      },
      // Rough counts are good enough to go on with.
      () => {}
    )
  }
}
