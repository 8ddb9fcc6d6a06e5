import { assert, describe, it } from "@effect/vitest"
import { steady } from "../../src/provider/Timers.js"

describe("the live time", () => {
  const origin = Date.UTC(2026, 2, 4)

  it("runs on by itself when the clock on the wall is set back, or a little ahead", () => {
    let [wall, running] = [origin, 0]
    const now = steady(
      () => wall,
      () => running,
      origin
    )
    running += 5_000
    wall -= 3_600_000
    assert.strictEqual(now(), origin + 5_000)
    running += 5_000
    wall = origin + 10_900
    assert.strictEqual(now(), origin + 10_000)
  })

  it("follows the wall within a second when the machine has slept, and counts on from there", () => {
    let [wall, running] = [origin, 0]
    const now = steady(
      () => wall,
      () => running,
      origin
    )
    assert.strictEqual(now(), origin)
    running += 500
    wall += 8 * 3_600_000
    assert.strictEqual(now(), origin + 500)
    running += 500
    assert.strictEqual(now(), wall)
    running += 700
    assert.strictEqual(now(), wall + 700)
  })
})
