import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { answer, failure } from "../support/replies.js"
import * as Upstream from "../support/upstream.js"
import { run } from "./support/command.js"
import { chat, serve, stream, type Serving } from "./support/gateway.js"

/** Words that no log may hold. */
const canary = {
  prompt: "canary-of-the-prompt",
  answer: "canary-of-the-answer",
  key: "sk-canary-of-the-key-7f3a9b",
  caller: "canary-of-the-caller"
}

/** Refuses the key in the words of OpenAI, which repeat it. */
const refusal = failure(401, {
  message: `Incorrect API key provided: ${canary.key}. You asked: ${canary.prompt}`,
  type: "invalid_request_error",
  code: "invalid_api_key"
})

const config = (first: Upstream.Upstream, second: Upstream.Upstream) => `
instances:
  - { id: first, provider: openai-compatible, baseUrl: '${first.url}', apiKey: '${canary.key}' }
  - { id: second, provider: openai-compatible, baseUrl: '${second.url}', apiKey: '${canary.key}', priority: 2 }
models:
  - { id: gpt-4o-mini, targets: [{ instance: first, model: small }, { instance: second, model: spare }] }
  - { id: alone, targets: [{ instance: first, model: small }] }
`

/** A gateway that has served, fallen over, failed and streamed, and has then been stopped. */
const afterRequests = (env: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const first = yield* Upstream.make(answer(canary.answer), refusal)
    const second = yield* Upstream.make(answer(canary.answer))
    const files = { "orelse.yaml": config(first, second) }
    const gateway = yield* serve({ env: { ORELSE_CONFIG: "orelse.yaml", ...env }, files })
    const ask = (model: string) =>
      chat(
        gateway.url,
        { model, messages: [{ role: "user", content: canary.prompt }], user: canary.caller },
        { authorization: `Bearer ${canary.caller}` }
      )
    const answers = [yield* ask("gpt-4o-mini"), yield* ask("gpt-4o-mini"), yield* ask("alone")]
    assert.deepStrictEqual(
      answers.map(({ status }) => status),
      [200, 200, 502]
    )
    yield* Effect.flatMap(stream(gateway.url), ({ whole }) => whole)
    return { answers, gateway, said: yield* stop(gateway) }
  })

const stop = (gateway: Serving) => Effect.zipRight(gateway.signal("SIGTERM"), gateway.ended)

const read = (gateway: Serving, file: string) => Effect.promise(() => readFile(join(gateway.directory, file), "utf8"))

/** The lines of a JSON log, each of which must be JSON. */
const parse = (log: string): ReadonlyArray<Readonly<Record<string, unknown>>> =>
  log
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))

describe("the log", () => {
  it.scopedLive("as JSON has one line a request, with who answered and what it took", () =>
    Effect.gen(function* () {
      const { answers, said } = yield* afterRequests({ LOG_FORMAT: "json" })
      const lines = parse(said.stdout)
      const requests = lines.filter(({ path }) => path === "/v1/chat/completions")
      const served = {
        path: "/v1/chat/completions",
        method: "POST",
        asked: "gpt-4o-mini",
        input_tokens: 9,
        output_tokens: 3
      }
      const shown = requests.map(({ id: _id, level: _level, ms: _ms, msg: _msg, time: _time, ...rest }) => rest)
      assert.deepStrictEqual(shown, [
        { ...served, status: 200, stream: false, attempts: 1, fallback: false, instance: "first", model: "small" },
        { ...served, status: 200, stream: false, attempts: 2, fallback: true, instance: "second", model: "spare" },
        {
          path: "/v1/chat/completions",
          method: "POST",
          asked: "alone",
          status: 502,
          stream: false,
          attempts: 1,
          fallback: false,
          instance: "first",
          model: "small",
          failure: "auth"
        },
        // The key that was refused is not shown again.
        { ...served, status: 200, stream: true, attempts: 1, fallback: true, instance: "second", model: "spare" }
      ])
      for (const { ms } of requests) assert.isAbove(Number(ms), 0)
      assert.deepStrictEqual(
        requests.slice(0, 3).map(({ id }) => id),
        answers.map(({ headers }) => headers.get("x-request-id"))
      )
    })
  )

  it.scopedLive("says of each fallback from whom to whom it went, and why", () =>
    Effect.gen(function* () {
      const { said } = yield* afterRequests({ LOG_FORMAT: "json" })
      const [line, ...others] = parse(said.stdout).filter(({ msg }) => msg === "fallback")
      assert.deepInclude(line, { from: "first", to: "second", reason: "auth", model: "spare" })
      assert.lengthOf(others, 0)
    })
  )

  it.scopedLive("holds no prompt, no answer and no key, at its loudest and in either form", () =>
    Effect.gen(function* () {
      for (const format of ["json", "pretty"]) {
        const { said } = yield* afterRequests({ LOG_FORMAT: format, LOG_LEVEL: "trace" })
        assert.include(said.stdout, "gpt-4o-mini")
        for (const word of Object.values(canary)) assert.notInclude(said.stdout + said.stderr, word)
      }
    })
  )

  it.scopedLive("goes to LOG_FILE instead, and is complete when the gateway has ended", () =>
    Effect.gen(function* () {
      for (const format of ["json", "pretty"]) {
        const { answers, gateway, said } = yield* afterRequests({ LOG_FORMAT: format, LOG_FILE: "logs/orelse.log" })
        assert.deepStrictEqual([said.stdout, said.stderr], ["", ""])
        const log = yield* read(gateway, "logs/orelse.log")
        for (const { headers } of answers) assert.include(log, headers.get("x-request-id") ?? "an id")
        assert.include(log, `"stream":true`)
        for (const word of Object.values(canary)) assert.notInclude(log, word)
      }
    })
  )

  it.scopedLive("at LOG_LEVEL=warn is silent about requests that were served", () =>
    Effect.gen(function* () {
      const upstream = yield* Upstream.make(answer("Fine."))
      const gateway = yield* serve({
        env: { LOG_LEVEL: "warn", OPENAI_API_KEY: canary.key, OPENAI_BASE_URL: upstream.url }
      })
      assert.strictEqual((yield* chat(gateway.url)).status, 200)
      const { stderr, stdout } = yield* stop(gateway)
      assert.deepStrictEqual([stdout, stderr], ["", ""])
    })
  )

  it.live("that cannot be written is a reason not to start", () =>
    Effect.gen(function* () {
      const { code, stderr } = yield* run(["start"], { env: { LOG_FILE: "taken/orelse.log" }, files: { taken: "" } })
      assert.strictEqual(code, 1)
      assert.match(stderr, /LOG_FILE: cannot write taken\/orelse\.log/)
    })
  )
})
