import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { ErrorCategory } from "../../src/domain/ErrorCategory.js"
import { breaks, faults, leaked, type Fault } from "../support/faults.js"
import * as Replies from "../support/replies.js"
import { chain, doors, keyOf, type Running } from "../support/server.js"
import * as Upstream from "../support/upstream.js"
import { at, chat, eventsOf, streaming, type Answer } from "./asking.js"

const upstream = ({ reply }: Fault) => (reply === "refused" ? Effect.succeed(Upstream.refusing) : Upstream.make(reply))

/** Only a hang is waited for, so that a busy machine makes no timeout of anything else. */
const limits = (hangs: boolean, total: number) =>
  hangs ? { first: { timeouts: { connect: 5_000, firstToken: 250, idle: 250, total } } } : {}

/** What a caller gets who has nobody else: status and code of each category. */
const alone: Readonly<Partial<Record<ErrorCategory, readonly [number, string]>>> = {
  network: [502, "provider_unreachable"],
  timeout: [504, "provider_timeout"],
  provider_unavailable: [503, "provider_unavailable"],
  rate_limit: [429, "rate_limit_exceeded"],
  auth: [502, "provider_auth_failed"],
  provider_quota_exceeded: [503, "provider_quota_exceeded"],
  model_not_found: [404, "model_not_found"],
  malformed_response: [502, "provider_malformed_response"]
}

const lost: ReadonlyArray<Upstream.Step> = [{ end: "reset" }]

const headers = (answer: Answer, ...names: ReadonlyArray<string>) =>
  names.map((name) => answer.headers.get(`x-orelse-${name}`))

const assertNoLeak = (answer: Answer, gateway: Running) => {
  const seen = [answer.body.toString("utf8"), ...answer.headers.values(), ...gateway.log, JSON.stringify(gateway.lines)]
  for (const secret of [leaked, keyOf(0), keyOf(1)]) assert.notInclude(seen.join("\n"), secret)
}

for (const door of doors) {
  for (const stream of [false, true]) {
    const request = stream ? streaming : {}
    const how = stream ? "streaming" : "not streaming"
    const categoryOf = (fault: Fault) => (stream ? fault.streamed : undefined) ?? fault.category
    // A buffered answer has nothing but its total time.
    const limitsOf = (fault: Fault) => limits(fault.category === "timeout", stream ? 60_000 : 250)

    describe.concurrent(`${door}, ${how}: what a provider does before the commit point`, () => {
      for (const fault of faults) {
        it.scopedLive(`${fault.name}: the caller gets the second provider's answer, whole and only it`, () =>
          Effect.gen(function* () {
            const first = yield* upstream(fault)
            const second = yield* Upstream.make(Replies.answer("hello from the second"))
            const gateway = yield* chain(door, [first, second], limitsOf(fault))
            const answer = yield* chat(gateway, request)
            const line = yield* gateway.line
            assert.strictEqual(answer.status, 200)
            assert.strictEqual(answer.body.toString("utf8"), second.received[0]?.sent().toString("utf8"))
            assert.deepStrictEqual(headers(answer, "instance", "attempts", "fallback"), ["second", "2", "true"])
            assert.deepStrictEqual([line.status, line.attempts, line.failure], [200, 2, undefined])
            assertNoLeak(answer, gateway)
          })
        )

        it.scopedLive(`${fault.name}: the caller who has nobody else gets the failure itself`, () =>
          Effect.gen(function* () {
            const gateway = yield* chain(door, [yield* upstream(fault)], limitsOf(fault))
            const answer = yield* chat(gateway, request)
            const category = categoryOf(fault)
            assert.deepStrictEqual<unknown>([answer.status, at(answer, "error", "code")], alone[category])
            assert.match(answer.headers.get("content-type") ?? "", /^application\/json/)
            assert.deepStrictEqual(headers(answer, "instance", "attempts", "fallback"), ["first", "1", "false"])
            assert.strictEqual((yield* gateway.line).failure, category)
            assertNoLeak(answer, gateway)
          })
        )
      }
    })
  }

  describe.concurrent(`${door}: what a provider does after the commit point`, () => {
    for (const { category, name, steps } of breaks) {
      it.scopedLive(`${name}: the caller gets what was said, the declared error and no clean end`, () =>
        Effect.gen(function* () {
          const first = yield* Upstream.make(() => [...Replies.opening("half of it"), ...steps])
          const second = yield* Upstream.make(Replies.answer("never asked"))
          const gateway = yield* chain(door, [first, second], limits(name === "hang", 60_000))
          const answer = yield* chat(gateway, streaming)
          const events = eventsOf(answer)
          const said = events.slice(0, 4).map((event) => JSON.parse(event).choices[0].delta.content)
          assert.deepStrictEqual(said, ["", "half", " of", " it"])
          assert.deepStrictEqual(
            events.slice(4).map((event) => JSON.parse(event).error.code),
            [alone[category]?.[1]]
          )
          assert.deepStrictEqual([answer.status, second.received.length], [200, 0])
          assert.deepStrictEqual(headers(answer, "instance", "attempts", "fallback"), ["first", "1", "false"])
          assert.strictEqual((yield* gateway.line).failure, category)
          assertNoLeak(answer, gateway)
        })
      )
    }

    it.scopedLive("the provider that took over is not replaced either", () =>
      Effect.gen(function* () {
        const providers = yield* Effect.forEach(
          [
            Replies.failure(503, { message: "down" }),
            () => [...Replies.opening("half"), ...lost],
            Replies.answer("never asked")
          ] satisfies ReadonlyArray<Upstream.Reply>,
          (reply) => Upstream.make(reply)
        )
        const answer = yield* chat(yield* chain(door, providers), streaming)
        const last = JSON.parse(eventsOf(answer).at(-1) ?? "")
        assert.deepStrictEqual([last.error.code, providers[2]?.received.length], ["provider_unreachable", 0])
        assert.deepStrictEqual(headers(answer, "instance", "attempts", "fallback"), ["second", "2", "true"])
      })
    )
  })
}
