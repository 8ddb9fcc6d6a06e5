/**
 * `tsx llama.ts FOLDER`: Ollama's two APIs in front of a real model, on a free port that it prints. A process of its own,
 * because inference takes all of a core. Models: `tiny`, and `stepped`, which streams a piece for each `POST /step`.
 */
import { EventEmitter, once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { json } from "node:stream/consumers"
import { load, type Model } from "./llamaModel.js"
import { compatible, native, type Asked, type Counts, type Wire } from "./ollamaWire.js"

const models = ["tiny", "stepped"]

class Front {
  private readonly stats = { running: 0, finished: 0, aborted: 0, tokens: 0 }
  /** Those who asked for a step and wait to hear which piece it was. */
  private readonly steps: Array<(piece: string) => void> = []
  private readonly stepped = new EventEmitter()

  constructor(private readonly model: Model) {}

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    switch (`${request.method} ${request.url}`) {
      case "POST /api/chat":
        return this.chat(native, request, response)
      case "POST /v1/chat/completions":
        return this.chat(compatible, request, response)
      case "GET /api/tags":
        return reply(response, { models: models.map((name) => ({ name, model: name })) })
      case "GET /v1/models":
        return reply(response, { object: "list", data: models.map((id) => ({ id, object: "model" })) })
      case "GET /stats":
        return reply(response, this.stats)
      case "POST /step":
        return reply(response, { piece: await this.step() })
      default:
        response.writeHead(404).end()
    }
  }

  private async chat(wire: Wire, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const caller = new Caller(response)
    const asked = wire.read(await json(request))
    if (!models.includes(asked.model)) {
      response
        .writeHead(404, { "content-type": "application/json" })
        .end(wire.error(`model '${asked.model}' not found`))
      return
    }
    this.stats.running += 1
    try {
      await (asked.stream ? this.stream(wire, asked, caller) : this.whole(wire, asked, caller))
      this.stats[caller.isGone ? "aborted" : "finished"] += 1
    } finally {
      this.stats.running -= 1
    }
  }

  private async stream(wire: Wire, asked: Asked, caller: Caller): Promise<void> {
    caller.begin(wire.type)
    const counts = await this.infer(asked, caller, async (content) => {
      if (asked.model === "tiny") return caller.send(wire.piece(asked, content))
      const told = await this.nextStep(caller)
      await caller.send(wire.piece(asked, content))
      told(content)
    })
    await caller.end(wire.end(asked, counts))
  }

  private async whole(wire: Wire, asked: Asked, caller: Caller): Promise<void> {
    let content = ""
    const counts = await this.infer(asked, caller, async (piece) => {
      content += piece
    })
    caller.begin("application/json")
    await caller.end(wire.whole(asked, content, counts))
  }

  /** Stops as soon as the caller is gone. */
  private async infer(asked: Asked, caller: Caller, onPiece: (text: string) => Promise<void>): Promise<Counts> {
    const input = this.model.count(asked.prompt)
    let output = 0
    for await (const { text, tokens } of this.model.write(asked)) {
      output += tokens
      this.stats.tokens += tokens
      if (text !== "" && !caller.isGone) await onPiece(text)
      if (caller.isGone) break
    }
    return { input, output }
  }

  private step(): Promise<string> {
    return new Promise((resolve) => {
      this.steps.push(resolve)
      this.stepped.emit("step")
    })
  }

  private async nextStep(caller: Caller): Promise<(piece: string) => void> {
    while (!caller.isGone) {
      const told = this.steps.shift()
      if (told !== undefined) return told
      await Promise.race([once(this.stepped, "step"), caller.leaves])
    }
    return () => undefined
  }
}

/** Whoever asked. */
class Caller {
  isGone = false
  readonly leaves: Promise<void>

  constructor(private readonly response: ServerResponse) {
    this.leaves = new Promise((resolve) => {
      response.once("close", () => {
        this.isGone = !response.writableFinished
        resolve()
      })
    })
  }

  begin(type: string): void {
    if (!this.isGone) this.response.writeHead(200, { "content-type": type }).flushHeaders()
  }

  /** Cuts through every character: each byte of it that is not its first comes in a chunk, and a packet, of its own. */
  async send(text: string): Promise<void> {
    for (const piece of cut(Buffer.from(text))) {
      if (this.isGone) return
      // Where the other side has no room, inference waits too.
      await Promise.race([new Promise((resolve) => this.response.write(piece, resolve)), this.leaves])
    }
  }

  async end(text: string): Promise<void> {
    await this.send(text)
    this.response.end()
  }
}

const cut = (bytes: Buffer): ReadonlyArray<Buffer> => {
  const inside = [...bytes.keys()].filter((at) => (bytes.readUInt8(at) & 0xc0) === 0x80)
  return [0, ...inside].map((from, index) => bytes.subarray(from, inside[index]))
}

const reply = (response: ServerResponse, value: object): void => {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value))
}

const [, , folder = ""] = process.argv
const front = new Front(await load(folder))
const server = createServer((request, response) => {
  front.handle(request, response).catch((error: unknown) => {
    // Its tests then see a broken answer, and why in what it said.
    process.stderr.write(`${String(error)}\n`)
    response.destroy()
  })
})
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  process.stdout.write(`listening on http://127.0.0.1:${typeof address === "object" ? address?.port : ""}\n`)
})
