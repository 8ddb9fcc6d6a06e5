import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Money from "../../src/domain/Money.js"
import type { ChatReplyStream, ReplySink, StreamEnd } from "../../src/gateway/ChatReply.js"
import type { Timers } from "../../src/provider/Timers.js"
import { SharedStream } from "../../src/gateway/SharedStream.js"

const by = {
  provider: "openai",
  instance: "a",
  model: "m",
  fallback: false,
  cache: "bypass",
  age: undefined,
  saved: undefined
} as const

const clean: StreamEnd = {
  served: by,
  attempts: [],
  usage: undefined,
  cost: Money.fromUsd(2),
  complete: true,
  error: undefined
}

/** A provider's stream that is moved by hand; it holds its tongue while it is paused. */
class Source {
  paused = true
  cancelled = false
  private sink: ReplySink | undefined = undefined
  readonly reply: ChatReplyStream = {
    ...by,
    dropped: [],
    cost: undefined,
    attempts: () => [],
    start: (sink) => {
      this.sink = sink
      this.paused = false
    },
    pause: () => {
      this.paused = true
    },
    resume: () => {
      this.paused = false
    },
    cancel: () => {
      this.cancelled = true
      return clean
    }
  }

  send(...texts: ReadonlyArray<string>): void {
    this.sink?.onFrames(texts.map((text) => Buffer.from(text)))
  }

  end(): void {
    this.sink?.onEnd(clean)
  }
}

class Reader {
  text = ""
  ended = false
  end: StreamEnd | undefined = undefined

  constructor(readonly reply: ChatReplyStream) {}

  start(): this {
    this.reply.start({
      onFrames: (frames) => {
        this.text += Buffer.concat(frames).toString()
      },
      onEnd: (end) => {
        assert.isFalse(this.ended)
        this.ended = true
        this.end = end
      }
    })
    return this
  }
}

const sharing = (limit = 1_000) => {
  const source = new Source()
  const told = { whole: "", over: 0, shared: 0 }
  let alarm: (() => void) | undefined
  const timers: Timers = {
    now: () => 0,
    after: (ms, task) => {
      assert.strictEqual(ms, 10_000)
      alarm = task
      return () => {
        if (alarm === task) alarm = undefined
      }
    }
  }
  /** The longest has passed that anybody is waited for. */
  const pass = () => {
    const due = alarm ?? assert.fail("nobody waits")
    alarm = undefined
    due()
  }
  const stream = new SharedStream(source.reply, limit, timers, {
    onWhole: (frames) => {
      told.whole = Buffer.concat(frames).toString()
    },
    onOver: () => told.over++
  })
  const join = (leads = false): Reader =>
    new Reader(stream.join(leads ? undefined : () => told.shared++) ?? assert.fail("too late"))
  return { source, stream, told, join, pass, waits: () => alarm !== undefined }
}

describe("a stream that several read", () => {
  it("runs as fast as the fastest of them takes it, and is whole for each", () => {
    const { join, source, told } = sharing()
    const [fast, slow] = [join(true).start(), join().start()]
    slow.reply.pause()
    source.send("a", "b")
    assert.deepStrictEqual([fast.text, slow.text, source.paused], ["ab", "", false])
    fast.reply.pause()
    assert.isTrue(source.paused)
    slow.reply.resume()
    assert.deepStrictEqual([slow.text, source.paused], ["ab", false])
    slow.reply.pause()
    source.send("c")
    source.end()
    assert.deepStrictEqual([fast.ended, slow.ended, told.whole], [false, false, "abc"])
    for (const reader of [fast, slow]) reader.reply.resume()
    assert.deepStrictEqual(
      [fast, slow].map(({ ended, text }) => [ended, text]),
      [
        [true, "abc"],
        [true, "abc"]
      ]
    )
    assert.strictEqual(told.shared, 1)
  })

  it("is taken from its beginning by whoever comes before it ends, and by nobody afterwards", () => {
    const { join, source, stream, told } = sharing()
    const first = join(true).start()
    source.send("a", "b")
    const second = join().start()
    assert.strictEqual(second.text, "ab")
    source.end()
    assert.deepStrictEqual([first.ended, second.ended, told.over], [true, true, 1])
    assert.isUndefined(stream.join(() => {}))
  })

  it("that is longer than the limit is neither kept nor joined, and waits for the slowest", () => {
    const { join, source, stream, told } = sharing(10)
    const [fast, slow] = [join(true).start(), join().start()]
    slow.reply.pause()
    source.send("123456")
    assert.isFalse(source.paused)
    source.send("789012")
    assert.deepStrictEqual([fast.text, source.paused, told.over], ["123456789012", true, 1])
    assert.isUndefined(stream.join(() => {}))
    slow.reply.resume()
    assert.deepStrictEqual([slow.text, source.paused], ["123456789012", false])
    source.send("3")
    source.end()
    assert.deepStrictEqual([fast.text, slow.text, told.whole], ["1234567890123", "1234567890123", ""])
  })

  it("is not held back by a slow one who leaves", () => {
    const { join, source } = sharing(10)
    const [fast, slow] = [join(true).start(), join().start()]
    slow.reply.pause()
    source.send("123456789012")
    assert.isTrue(source.paused)
    slow.reply.cancel()
    assert.isFalse(source.paused)
    source.send("3")
    assert.strictEqual(fast.text, "1234567890123")
  })

  it("cuts off who has stopped reading and keeps others waiting, with an error, and goes on for them", () => {
    const { join, pass, source, told, waits } = sharing(10)
    const [fast, slow, stuck] = [join(true).start(), join().start(), join().start()]
    const unread = join()
    for (const { reply } of [slow, stuck]) reply.pause()
    source.send("123456")
    assert.isFalse(waits())
    source.send("789012")
    assert.deepStrictEqual([source.paused, waits()], [true, true])
    slow.reply.resume()
    slow.reply.pause()
    pass()
    assert.deepStrictEqual([stuck.ended, stuck.text, stuck.end?.error?.category], [true, "", "network"])
    assert.deepStrictEqual([stuck.end?.served.cache, stuck.end?.attempts, told.shared], ["hit", [], 2])
    assert.strictEqual(stuck.reply.cancel(), stuck.end)
    assert.strictEqual(unread.start().end?.error?.category, "network")
    assert.deepStrictEqual([source.paused, waits()], [false, false])
    source.send("3")
    source.end()
    for (const { reply } of [slow, stuck]) reply.resume()
    assert.deepStrictEqual(
      [fast, slow].map(({ end, text }) => [text, end?.error]),
      [
        ["1234567890123", undefined],
        ["1234567890123", undefined]
      ]
    )
    assert.strictEqual(stuck.text, "")
  })

  it("cuts off whoever leads as well, and nobody who goes on reading or keeps nobody waiting", () => {
    const { join, pass, source, waits } = sharing(10)
    const [leading, other] = [join(true).start(), join().start()]
    leading.reply.pause()
    source.send("123456789012")
    assert.isTrue(waits())
    // Its pause is over in time, and begins anew.
    leading.reply.resume()
    leading.reply.pause()
    assert.isFalse(waits())
    source.send("345678901234")
    assert.isTrue(waits())
    other.reply.pause()
    assert.isFalse(waits())
    other.reply.resume()
    pass()
    assert.deepStrictEqual([leading.end?.served.cache, leading.end?.error?.category], ["miss", "network"])
    source.end()
    assert.deepStrictEqual(
      [other.text, other.end?.error, source.cancelled],
      ["123456789012345678901234", undefined, false]
    )
  })

  it("waits for nobody when it is over", () => {
    const { join, source, waits } = sharing(10)
    const [fast, stuck] = [join(true).start(), join().start()]
    stuck.reply.pause()
    source.send("123456789012")
    assert.isTrue(waits())
    source.end()
    assert.deepStrictEqual([waits(), fast.ended, stuck.ended], [false, true, false])
    stuck.reply.resume()
    assert.deepStrictEqual([stuck.ended, stuck.end?.error, stuck.text], [true, undefined, "123456789012"])
  })

  it("is cancelled when the last one leaves, once, and when nobody came", () => {
    const { join, source, told } = sharing()
    const [first, second] = [join(true).start(), join().start()]
    assert.strictEqual(first.reply.cancel().served.cache, "miss")
    assert.isFalse(source.cancelled)
    const end = second.reply.cancel()
    assert.deepStrictEqual([end.served.cache, end.cost, end.served.saved], ["hit", Money.zero, clean.cost])
    assert.isTrue(source.cancelled)
    assert.strictEqual(second.reply.cancel(), end)
    assert.deepStrictEqual([told.whole, told.over, told.shared], ["", 1, 1])
    const nobody = sharing()
    nobody.stream.abandon()
    assert.isTrue(nobody.source.cancelled)
  })

  it("stays paused where it was paused while it started", () => {
    const { join, source } = sharing()
    const reader = join(true)
    reader.reply.pause()
    reader.start()
    assert.isTrue(source.paused)
    reader.reply.resume()
    assert.isFalse(source.paused)
  })

  it("is the same for all, in whatever order they read, rest and leave", () => {
    const step = FastCheck.record({
      what: FastCheck.constantFrom("send", "pause", "resume", "leave", "join"),
      who: FastCheck.nat(4),
      size: FastCheck.integer({ min: 1, max: 9 })
    })
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(step, { maxLength: 60 }),
        FastCheck.integer({ min: 5, max: 60 }),
        (steps, limit) => {
          const { join, source, stream, told } = sharing(limit)
          const readers = [join(true).start()]
          const left = new Set<Reader>()
          let sent = ""
          for (const { size, what, who } of steps) {
            const reader = readers[who % readers.length]
            if (what === "send" && !source.paused && !source.cancelled) {
              const text = String(sent.length % 10).repeat(size)
              sent += text
              source.send(text)
            } else if (what === "join") {
              const part = source.cancelled ? undefined : stream.join(() => {})
              if (part !== undefined) readers.push(new Reader(part).start())
            } else if (reader !== undefined && !left.has(reader)) {
              if (what === "pause") reader.reply.pause()
              if (what === "resume") reader.reply.resume()
              if (what === "leave") {
                reader.reply.cancel()
                left.add(reader)
              }
            }
          }
          const stayed = readers.filter((reader) => !left.has(reader))
          assert.strictEqual(source.cancelled, stayed.length === 0)
          if (source.cancelled) return
          source.end()
          for (const { reply } of stayed) reply.resume()
          for (const { ended, text } of stayed) assert.deepStrictEqual([text, ended], [sent, true])
          assert.strictEqual(told.whole, sent.length <= limit ? sent : "")
        }
      )
    )
  })
})
