import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import * as Yaml from "yaml"
import { find } from "../../src/config/UnknownField.js"

const told = (value: unknown): ReadonlyArray<string> =>
  find(value).map(({ message, path }) => `${path.join(".")}: ${message}`)

describe("fields that this version would pass over", () => {
  it.each([
    [{ instances: [{ retry: { jitter: "equal" } }] }, "use full or none"],
    [{ instances: [{ retry: { backoff: "linear" } }] }, "use exponential"]
  ])("include words of later versions, with what to use now: %j", (value, now) => {
    const [problem, ...others] = told(value)
    assert.match(problem ?? "", /: \S+ is not implemented in this version; /)
    assert.isTrue(problem?.endsWith(now))
    assert.isEmpty(others)
  })

  it.each([
    [{ instances: [{ apikey: "x" }] }, "instances.0.apikey: is not a known field; did you mean apiKey?"],
    [{ instances: [{ base_url: "x" }] }, "instances.0.base_url: is not a known field; did you mean baseUrl?"],
    [{ routing: { maxAttemps: 1 } }, "routing.maxAttemps: is not a known field; did you mean maxAttempts?"],
    [{ instance: [] }, "instance: is not a known field; did you mean instances?"],
    [
      { models: [{ targets: [{ modle: "x" }] }] },
      "models.0.targets.0.modle: is not a known field; did you mean model?"
    ],
    [{ server: { workers: 4 } }, "server.workers: is not a known field"],
    [{ log: { toString: 1 } }, "log.toString: is not a known field"],
    [JSON.parse('{"__proto__": {"log": 1}}'), "__proto__: is not a known field"]
  ])("are refused as unknown, with a suggestion if one is near: %j", (value, message) => {
    assert.deepStrictEqual(told(value), [message])
  })

  it("are refused even when they hold nothing", () => {
    assert.deepStrictEqual(told({ server: { workers: null } }), ["server.workers: is not a known field"])
  })

  it("do not exist under `tasks`, whose fields are the user's own words", () => {
    assert.isEmpty(told({ tasks: { "anything at all": "gpt-4o" } }))
  })

  const contract = new URL("../../../shared/design/contract.md", import.meta.url)
  it.skipIf(!existsSync(contract))("hold nothing that the contract shows (skipped without ../shared)", () => {
    const [, example = ""] = /```yaml\n([\s\S]*?)```/.exec(readFileSync(contract, "utf8")) ?? []
    assert.isNotEmpty(example)
    assert.deepStrictEqual(told(Yaml.parse(example)), [])
  })
})
