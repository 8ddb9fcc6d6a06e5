/**
 * The floor: the least that any gateway on Node must do. It reads the request, parses the JSON both ways, and forwards
 * over an undici Pool; of a stream it parses every frame to find the usage. It has no keys, routing, limits, prices,
 * log or errors to speak of, so what a gateway costs above it is the price of being a gateway.
 */
import http from "node:http"
import { Pool } from "undici"

const upstream = new URL(process.env.BENCH_UPSTREAM)
const pool = new Pool(upstream.origin, { connections: 128, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })
const path = `${upstream.pathname}/chat/completions`
const headers = { "content-type": "application/json", authorization: "Bearer sk-bench" }

class Forward {
  parts = []
  usage = null

  constructor(res) {
    this.res = res
  }

  onRequestStart(controller) {
    this.res.once("close", () => {
      if (!this.res.writableFinished) controller.abort(new Error("the client hung up"))
    })
  }

  onResponseStart(controller, status, answerHeaders) {
    this.status = status
    this.contentType = answerHeaders["content-type"]
    this.frames = this.contentType?.startsWith("text/event-stream") ? new Frames() : undefined
    if (this.frames !== undefined) this.res.writeHead(status, { "content-type": this.contentType })
  }

  onResponseData(controller, data) {
    if (this.frames === undefined) {
      this.parts.push(data)
      return
    }
    this.usage = this.frames.usageIn(data) ?? this.usage
    if (this.res.write(data)) return
    controller.pause()
    this.res.once("drain", () => controller.resume())
  }

  onResponseEnd() {
    if (this.frames !== undefined) {
      this.res.end()
      return
    }
    const body = this.parts.length === 1 ? this.parts[0] : Buffer.concat(this.parts)
    this.usage = JSON.parse(body.toString()).usage
    this.res.writeHead(this.status, { "content-type": this.contentType, "content-length": body.length })
    this.res.end(body)
  }

  onResponseError() {
    if (this.res.headersSent) this.res.destroy()
    else this.res.writeHead(502).end()
  }
}

class Frames {
  rest = ""

  usageIn(data) {
    const frames = (this.rest + data.toString()).split("\n\n")
    this.rest = frames.pop()
    let usage
    for (const frame of frames) if (frame.startsWith("data: {")) usage = JSON.parse(frame.slice(6)).usage ?? usage
    return usage
  }
}

const server = http.createServer({ keepAliveTimeout: 120_000 }, (req, res) => {
  const parts = []
  req.on("data", (part) => parts.push(part))
  req.on("end", () => {
    if (req.method === "GET") return res.writeHead(req.url === "/readyz" ? 200 : 404).end()
    const body = parts.length === 1 ? parts[0] : Buffer.concat(parts)
    if (typeof JSON.parse(body.toString()).model !== "string") return res.writeHead(400).end()
    pool.dispatch({ path, method: "POST", headers, body }, new Forward(res))
  })
})

server.listen(Number(process.env.PORT), "127.0.0.1", 2048)
