import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"

/** What a provider does with a call, when it has read the whole of it. */
export type Behaviour = (call: Called) => void

/** One call under way. */
export interface Called {
  /** Of its `authorization`. */
  readonly key: string
  readonly stream: boolean
  /** What was asked, in JSON. */
  readonly body: string
  readonly response: http.ServerResponse
  /** The caller's side of the connection. */
  readonly request: http.IncomingMessage
}

/** Answers as a model does, as a stream where one is asked for. */
export const answers: Behaviour = ({ response, stream }) => {
  response.writeHead(200, stream ? eventStream : json)
  response.end(stream ? spoken + finished : whole)
}

/** The same, after so many ms. */
export const answersAfter =
  (ms: number): Behaviour =>
  (call) => {
    void sleep(ms).then(() => answers(call))
  }

/** Answers after so many ms, and says that so many tokens were made; a stream says its words one by one meanwhile. */
export const billsAfter =
  (ms: number, tokens: number): Behaviour =>
  ({ response, stream }) => {
    const made = usageOf(tokens)
    if (stream) {
      response.writeHead(200, eventStream)
      response.write(preamble)
      void says(response, ms, made)
    } else {
      void sleep(ms).then(() => response.writeHead(200, json).end(wholeOf(made)))
    }
  }

/** Fails with an error in OpenAI's form. */
export const fails =
  (status: number, headers: Readonly<Record<string, string>> = {}): Behaviour =>
  ({ response }) => {
    response.writeHead(status, { ...json, ...headers })
    response.end('{"error":{"message":"down","type":"server_error","param":null,"code":null}}')
  }

/** Begins a stream, and is overloaded then. */
export const overloadedInStream: Behaviour = ({ response }) => {
  response.writeHead(200, eventStream)
  response.end(`${preamble}data: {"error":{"message":"Overloaded","type":"overloaded_error","code":529}}\n\n`)
}

/** Begins a stream, and closes it before the model has said a word. */
export const endsEarly: Behaviour = ({ response }) => {
  response.writeHead(200, eventStream)
  response.end(preamble)
}

/** Says words, and closes the connection in the middle of them. */
export const breaksOff: Behaviour = ({ request, response }) => {
  response.writeHead(200, eventStream)
  response.write(spoken, () => request.socket.destroy())
}

/** Takes the call and never says a word. */
export const hangs: Behaviour = () => {}

/**
 * A provider on a real socket, for load: it counts and forgets. What it does can be changed while it runs. Every call that
 * has been read counts, also one that is never answered.
 */
export class Provider {
  /** Calls so far. */
  calls = 0
  /** Calls that are neither answered nor given up. */
  underWay = 0
  /** Calls that were answered. */
  answered = 0
  /** The most calls at a time since this was set to 0. */
  mostAtOnce = 0
  /** Calls by their key. */
  readonly byKey = new Map<string, number>()
  private server: http.Server | undefined = undefined
  private port = 0

  constructor(public behaviour: Behaviour = answers) {}

  /** As an instance's `baseUrl`. */
  get url(): string {
    return `http://127.0.0.1:${this.port}/v1`
  }

  /** Takes connections, on the same port each time. */
  readonly open: Effect.Effect<void> = Effect.async((resume) => {
    const server = http.createServer({ keepAliveTimeout: 60_000 }, this.serve)
    this.server = server
    server.listen(this.port, "127.0.0.1", () => {
      this.port = (server.address() as AddressInfo).port
      resume(Effect.void)
    })
  })

  /** Closes every connection; further ones are refused. */
  readonly close: Effect.Effect<void> = Effect.sync(() => {
    this.server?.close()
    this.server?.closeAllConnections()
  })

  private readonly serve = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    let body = ""
    request.setEncoding("latin1")
    request.on("data", (chunk) => (body += chunk))
    request.on("end", () => {
      const key = request.headers.authorization?.slice("Bearer ".length) ?? ""
      this.calls++
      this.byKey.set(key, (this.byKey.get(key) ?? 0) + 1)
      this.mostAtOnce = Math.max(this.mostAtOnce, ++this.underWay)
      // Over as soon as the last byte is written: before the gateway can ask again because of it.
      let over = false
      const leave = (answered: boolean): void => {
        if (over) return
        over = true
        this.underWay--
        if (answered) this.answered++
      }
      response.on("finish", () => leave(true))
      response.on("close", () => leave(false))
      this.behaviour({ key, stream: /"stream"\s*:\s*true/.test(body), body, request, response })
    })
  }
}

/** A provider that takes connections until the scope ends. */
export const make = (behaviour?: Behaviour): Effect.Effect<Provider, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.suspend(() => {
      const provider = new Provider(behaviour)
      return Effect.as(provider.open, provider)
    }),
    (provider) => provider.close
  )

const json = { "content-type": "application/json" }
const eventStream = { "content-type": "text/event-stream" }

const chunk = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_000, model: "m-2024" }

const event = (data: object): string => `data: ${JSON.stringify({ ...chunk, ...data })}\n\n`

const said = (delta: object, finish: string | null): string =>
  event({ choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] })

const usageOf = (tokens: number) => ({ prompt_tokens: 9, completion_tokens: tokens, total_tokens: 9 + tokens })

const usage = usageOf(3)

const preamble = said({ role: "assistant", content: "" }, null)

const spoken = preamble + ["It ", "is ", "well."].map((content) => said({ content }, null)).join("")

const finishedWith = (made: typeof usage): string =>
  `${said({}, "stop")}${event({ choices: [], usage: made })}data: [DONE]\n\n`

const finished = finishedWith(usage)

/** Words that a slow stream says. */
const words = 40

const says = async (response: http.ServerResponse, ms: number, made: typeof usage): Promise<void> => {
  for (let word = 0; word < words && !response.destroyed; word++) {
    response.write(said({ content: `word ${word} ` }, null))
    await sleep(ms / words)
  }
  if (!response.destroyed) response.end(finishedWith(made))
}

const wholeOf = (made: typeof usage): string =>
  JSON.stringify({
    ...chunk,
    object: "chat.completion",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: "It is well.", refusal: null },
        logprobs: null,
        finish_reason: "stop"
      }
    ],
    usage: made
  })

const whole = wholeOf(usage)
