/**
 * The provider behind the system under test: OpenAI chat completions, buffered (about 0.9 KB) or as a stream of 64
 * content chunks. It tells its port to its parent and takes `{ gapMs }` from it: the pause between two chunks, 0 for
 * none (each chunk is still a write of its own). Chunks keep to a schedule from the start of their stream, so a late
 * timer does not push back the ones behind it.
 */
import http from "node:http"
import { CHUNKS } from "./Workload.mjs"

const shared = { id: "chatcmpl-bench0123456789abcdef", created: 1767225600, model: "mock-0" }
const usage = {
  prompt_tokens: 183,
  completion_tokens: CHUNKS,
  total_tokens: 183 + CHUNKS,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 }
}
const text =
  "The outage began when a certificate expired on the internal load balancer at 04:12 UTC. Health checks were made " +
  "over plain HTTP and stayed green, so traffic was not moved. Customers in two regions saw errors for 23 minutes. " +
  "Follow-up: alert on certificate age, and check health over the path that customers use."

const answer = Buffer.from(
  JSON.stringify({
    ...shared,
    object: "chat.completion",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: text, refusal: null, annotations: [] },
        logprobs: null,
        finish_reason: "stop"
      }
    ],
    usage,
    service_tier: "default",
    system_fingerprint: "fp_bench"
  })
)

const models = JSON.stringify({ object: "list", data: [{ id: shared.model, object: "model", owned_by: "bench" }] })

const frame = (choices, rest) =>
  `data: ${JSON.stringify({ ...shared, object: "chat.completion.chunk", choices, ...rest })}\n\n`
const choice = (delta, finish_reason) => [{ index: 0, delta, logprobs: null, finish_reason }]

// The first chunk has the role and text at once: a gateway that waits for text before it commits loses nothing by it.
const chunks = Array.from({ length: CHUNKS }, (_, i) =>
  Buffer.from(frame(choice(i === 0 ? { role: "assistant", content: "word0" } : { content: ` word${i}` }, null)))
)
chunks.push(Buffer.from(frame(choice({}, "stop")) + frame([], { usage }) + "data: [DONE]\n\n"))

let gapMs = 0

const stream = (res) => {
  res.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" })
  const gap = gapMs
  const startedAt = performance.now()
  let next = 0
  const step = () => {
    if (res.destroyed) return
    res.write(chunks[next++])
    if (next === chunks.length) res.end()
    else if (gap === 0 || next === CHUNKS) setImmediate(step)
    else setTimeout(step, startedAt + next * gap - performance.now())
  }
  step()
}

const server = http.createServer({ keepAliveTimeout: 120_000 }, (req, res) => {
  const parts = []
  req.on("data", (part) => parts.push(part))
  req.on("end", () => {
    const body = Buffer.concat(parts)
    if (req.method !== "POST") return res.writeHead(200, { "content-type": "application/json" }).end(models)
    if (/"stream"\s*:\s*true/.test(body.latin1Slice())) return stream(res)
    res.writeHead(200, {
      "content-type": "application/json",
      "content-length": answer.length,
      "x-request-id": "req_bench0123456789"
    })
    res.end(answer)
  })
})

server.listen(0, "127.0.0.1", 2048, () => process.send({ port: server.address().port }))
process.on("message", (settings) => {
  gapMs = settings.gapMs
  process.send({ gapMs })
})
process.on("disconnect", () => process.exit())
