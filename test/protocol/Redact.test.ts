import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { createHash } from "node:crypto"
import { fromAnswer, redact } from "../../src/protocol/ErrorSignals.js"

const matching = (pattern: RegExp) => FastCheck.stringMatching(pattern)

/** Random as keys are: a property's own strings are too regular. What is random is a guess, so the seed is fixed. */
const hashed = (encoding: "hex" | "base64" | "base64url") =>
  FastCheck.string().map((seed) => createHash("sha256").update(seed).digest(encoding))

const jwt = FastCheck.tuple(hashed("base64url"), hashed("base64url")).map((parts) => `eyJhbGciOi.${parts.join(".")}`)

const secrets = {
  "a key with a vendor's prefix": matching(
    /^(?:sk-|sk-proj-|sk-ant-api03-|sk-or-v1-|gsk_|xai-|hf_|pplx-|r8_)[A-Za-z0-9]{12,60}$/
  ),
  "an AWS or Google key": matching(/^(?:AKIA[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{35})$/),
  "an organisation or project id": matching(/^(?:org|proj)[-_][A-Za-z0-9]{12,24}$/),
  "a long hex token": matching(/^[0-9a-f]{32,64}$/),
  "a hash in hex": hashed("hex"),
  "a hash in base64": hashed("base64"),
  "a hash in base64url": hashed("base64url"),
  "a JWT": jwt
}

const value = matching(/^Z[A-Za-z0-9_-]{5,30}q$/)

const carriers: Readonly<Record<string, (value: string) => string>> = {
  "a bearer token": (secret) => `Authorization: Bearer ${secret}`,
  "basic credentials": (secret) => `authorization: Basic ${Buffer.from(secret).toString("base64")}`,
  "key=value": (secret) => `key=${secret}`,
  "an environment variable": (secret) => `OPENAI_API_KEY=${secret}`,
  "a quoted assignment": (secret) => `token = "${secret}"`,
  "a JSON member": (secret) => `{"api_key":"${secret}"}`,
  "a sentence with the key": (secret) => `Incorrect API key provided: ${secret}.`,
  "a URL with a password": (secret) => `https://user:${secret}@host.example/path`,
  "a URL with only a user": (secret) => `https://${secret}@host.example/path`,
  "a URL with a key": (secret) => `https://host.example/v1?version=2&api-key=${secret}&x=1`
}

describe("redact", () => {
  for (const [what, arbitrary] of Object.entries(secrets)) {
    it(`takes out ${what}, and leaves the words around it`, () => {
      FastCheck.assert(
        FastCheck.property(arbitrary, FastCheck.constantFrom("", "'", "(", '"'), (secret, mark) => {
          const out = redact(`the words before ${mark}${secret}${mark} and the words after`)
          assert.isTrue(out.startsWith(`the words before ${mark}***`))
          assert.isTrue(out.endsWith(`${mark} and the words after`))
        }),
        { seed: 1, numRuns: 500 }
      )
    })
  }

  for (const [what, carry] of Object.entries(carriers)) {
    it(`takes the secret out of ${what}`, () => {
      FastCheck.assert(
        FastCheck.property(value, (secret) => {
          const out = redact(`before ${carry(secret)} after`)
          assert.notInclude(out, secret)
          assert.notInclude(out, Buffer.from(secret).toString("base64"))
          assert.isTrue(out.startsWith("before ") && out.endsWith(" after"))
        })
      )
    })
  }

  it("changes nothing the second time", () => {
    const text = FastCheck.array(
      FastCheck.oneof(
        FastCheck.string(),
        ...Object.values(secrets),
        value.map((secret) => `key=${secret}`)
      )
    )
    FastCheck.assert(
      FastCheck.property(text, (words) => {
        const once = redact(words.join(" "))
        assert.strictEqual(redact(once), once)
      })
    )
  })

  it("leaves what a caller needs: models, fields, numbers, ids of calls, links", () => {
    for (const text of [
      "The model `accounts/fireworks/models/llama-v3p1-405b-instruct-long` does not exist.",
      "model 'meta-llama/Llama-3.3-70B-Instruct-Turbo' and us.anthropic.claude-sonnet-4-5-20250929-v1:0",
      "Qwen/Qwen3-235B-A22B-Instruct-2507-FP8, nvidia/Llama-3_3-Nemotron-Super-49B-v1_5-FP8, ft:gpt-4o-mini-2024-07-18:us::A1b2",
      "Invalid 'messages[3].content[0].image_url.detail': max_completion_tokens=4096 is too large, use max_tokens: 100",
      "response_format.json_schema.strict_additional_properties_must_be_false",
      "No tool output found for function call call_AbC123dEf456GhI789jKl012.",
      "See https://platform.openai.com/docs/guides/error-codes/api-errors?lang=en and internationalization",
      "prompt is too long: 1284668 tokens > 1000000 maximum"
    ]) {
      assert.strictEqual(redact(text), text)
    }
  })

  it("leaves no half of a key where a message is cut", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.integer({ min: 0, max: 9000 }), hashed("hex"), (length, key) => {
        const words = `${"x".repeat(40)} `.repeat(300).slice(0, length)
        const body = Buffer.from(JSON.stringify({ error: { message: `${words} ${key} and more` } }))
        const { message } = fromAnswer({ status: 400, headers: {}, body, now: 0 })
        assert.notInclude(message, key.slice(0, 4))
      })
    )
  })
})
