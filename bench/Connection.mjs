/**
 * One keep-alive connection that sends requests made in advance, one at a time, and times the answers.
 *
 * Raw sockets, because autocannon, tried first, takes about 35 us a request where this takes 21, and shares its core with
 * the mock: the two just kept up with the floor. Nor can it start a request at a given time and measure from then, or time
 * the first byte of a stream's body.
 */
import net from "node:net"

/** A POST of `body` to the chat route, as bytes. */
export const chatRequest = (port, body) =>
  Buffer.from(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\n` +
      `authorization: Bearer sk-bench\r\naccept: */*\r\nuser-agent: orelse-bench\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )

/**
 * `onDone(connection)` is called once for each `send`, with the fields below set: `startedAt` as given to `send`,
 * `firstByteAt` (first byte of the body) and `endedAt` in ms of `performance.now()`, and `failure`, undefined for a whole
 * answer with status 200 (a chunked one must hold `[DONE]` at its end).
 */
export class Connection {
  startedAt = 0
  firstByteAt = 0
  endedAt = 0
  failure = undefined
  busy = false
  #port
  #onDone
  #socket
  #answer

  constructor(port, onDone) {
    this.#port = port
    this.#onDone = onDone
    this.#connect()
  }

  send(request, startedAt) {
    this.busy = true
    this.startedAt = startedAt
    this.#answer = new Answer()
    if (this.#socket === undefined) this.#connect()
    this.#socket.write(request)
  }

  destroy() {
    this.busy = false
    this.#socket?.destroy()
  }

  #connect() {
    const socket = net.connect({
      port: this.#port,
      host: "127.0.0.1",
      noDelay: true,
      onread: { buffer: readBuffer, callback: (length) => this.#read(readBuffer.subarray(0, length)) }
    })
    socket.on("error", () => {})
    socket.on("close", () => {
      if (this.#socket !== socket) return
      this.#socket = undefined
      if (this.busy) this.#done("the connection was closed")
    })
    this.#socket = socket
  }

  #read(data) {
    if (!this.busy) return true
    const answer = this.#answer
    const whole = answer.push(data)
    if (answer.malformed) {
      this.#socket.destroy()
      this.#socket = undefined
      this.#done("not an HTTP answer with a length")
    } else if (whole) {
      this.firstByteAt = answer.firstByteAt
      this.#done(failureOf(answer))
    }
    return true
  }

  #done(failure) {
    this.busy = false
    this.failure = failure
    this.endedAt = performance.now()
    this.#onDone(this)
  }
}

// Shared by all connections: what a read brings is consumed before the next read begins.
const readBuffer = Buffer.allocUnsafe(65_536)

const failureOf = (answer) => {
  if (answer.status !== 200) return `status ${answer.status}`
  if (answer.chunked && !answer.tail.includes("[DONE]")) return "a stream without [DONE]"
  return undefined
}

const CRLF = 2

class Answer {
  status = 0
  chunked = false
  firstByteAt = 0
  tail = ""
  malformed = false
  #inBody = false
  #line = ""
  #left = 0
  #lastChunk = false

  /** True once the answer is whole. */
  push(data) {
    if (this.#inBody) return this.#body(data, 0)
    this.#line += data.latin1Slice()
    const end = this.#line.indexOf("\r\n\r\n")
    if (end === -1) return false
    const head = this.#line.slice(0, end)
    const bodyStart = end + 4 - (this.#line.length - data.length)
    this.#line = ""
    this.#inBody = true
    this.status = Number(head.slice(9, 12))
    this.chunked = /\ntransfer-encoding: *chunked/i.test(head)
    this.#left = this.chunked ? 0 : Number(/\ncontent-length: *(\d+)/i.exec(head)?.[1])
    this.malformed = Number.isNaN(this.#left) || !head.startsWith("HTTP/1.1 ")
    return this.#body(data, bodyStart)
  }

  #body(data, from) {
    if (this.chunked) return this.#chunks(data, from)
    if (from < data.length) this.firstByteAt ||= performance.now()
    this.#left -= data.length - from
    return this.#left <= 0
  }

  #chunks(data, from) {
    let at = from
    while (at < data.length) {
      if (this.#left > 0) {
        const end = Math.min(at + this.#left, data.length)
        const contentEnd = Math.min(at + this.#left - CRLF, data.length)
        this.firstByteAt ||= performance.now()
        if (contentEnd > at)
          this.tail = (this.tail + data.latin1Slice(Math.max(at, contentEnd - 16), contentEnd)).slice(-16)
        this.#left -= end - at
        at = end
        continue
      }
      const lineEnd = data.indexOf(10, at)
      this.#line += data.latin1Slice(at, lineEnd === -1 ? data.length : lineEnd)
      if (lineEnd === -1) return false
      at = lineEnd + 1
      const line = this.#line.trim()
      this.#line = ""
      if (this.#lastChunk) {
        if (line === "") return true
        continue
      }
      const size = parseInt(line, 16)
      this.malformed ||= Number.isNaN(size)
      this.#lastChunk = size === 0
      this.#left = size === 0 ? 0 : size + CRLF
    }
    return false
  }
}
