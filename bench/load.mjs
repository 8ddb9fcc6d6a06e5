/**
 * The load generator, a process of its own. Its parent sends jobs; it answers each with the figures of the measured
 * window, the system's CPU time over exactly that window among them.
 *
 * `closed`: each connection sends the next request when the answer is there. `open`: requests start on a fixed schedule
 * and latency counts from the scheduled time, so that a system that stalls is charged for the requests that had to wait.
 */
import { once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import { Worker } from "node:worker_threads"
import { chatRequest, Connection } from "./Connection.mjs"
import { cpuSecondsByGroup, stolenSeconds } from "./Procfs.mjs"
import { bodies, UNIQUE } from "./Workload.mjs"

const closed = async (job) => {
  const request = requests(job)
  const window = new Window(job)
  let stopped = false
  const again = (connection) => {
    if (!stopped) connection.send(request(), performance.now())
  }
  const connections = Array.from(
    { length: job.connections },
    () =>
      new Connection(job.port, (connection) => {
        window.record(connection)
        if (connection.failure === undefined) again(connection)
        else setTimeout(again, FAILURE_PAUSE_MS, connection)
      })
  )
  // Spread the starts, or streams of equal length all end in the same moment and the window counts whole bursts.
  connections.forEach((connection, i) => setTimeout(again, (i * job.spreadMs) / job.connections, connection))
  await sleep(job.warmupMs)
  window.begin()
  await sleep(job.windowMs)
  stopped = true
  const figures = window.end(startsOfBusy(connections).filter((startedAt) => startedAt < window.beganAt))
  for (const connection of connections) connection.destroy()
  return figures
}

const open = async (job) => {
  const request = requests(job)
  const window = new Window(job)
  const late = []
  const waiting = []
  // First in, first out, so that no connection idles long enough for the server to close it.
  const free = []
  let pending = 0
  const fire = (connection, scheduledAt) => {
    connection.send(request(), scheduledAt)
    if (window.holds(scheduledAt)) late.push(performance.now() - scheduledAt)
  }
  const connections = Array.from(
    { length: job.connections },
    () =>
      new Connection(job.port, (connection) => {
        pending -= 1
        if (window.holds(connection.startedAt)) window.record(connection)
        if (waiting.length > 0) fire(connection, waiting.shift())
        else free.push(connection)
      })
  )
  free.push(...connections)
  await sleep(CONNECT_MS)

  const count = Math.round(((job.warmupMs + job.windowMs) / 1000) * job.rate)
  const clockOffset = Number(process.hrtime.bigint()) / 1e6 - performance.now()
  const pacer = new Worker(new URL("./pacer.mjs", import.meta.url), { workerData: { count, rate: job.rate } })
  pacer.on("message", (clock) => {
    pending += 1
    if (free.length > 0) fire(free.shift(), clock - clockOffset)
    else waiting.push(clock - clockOffset)
  })
  await once(pacer, "message")
  await sleep(job.warmupMs)
  window.begin()
  await sleep(job.windowMs)
  window.close()
  for (let i = 0; pending > 0 && i < DRAIN_MS / 50; i++) await sleep(50)
  const figures = window.end([...startsOfBusy(connections), ...waiting].filter((at) => window.holds(at)))
  for (const connection of connections) connection.destroy()
  await pacer.terminate()
  return { ...figures, lateMs: quantiles(late) }
}

/** The next request. To miss a cache each says something of its own, in a place of the bytes that is kept for it, from a number on. */
const requests = ({ body, cache, port, from = 0 }) => {
  const request = chatRequest(port, bodies[body])
  if (cache !== "misses") return () => request
  const place = request.indexOf(UNIQUE)
  let number = from
  return () => {
    const other = Buffer.from(request)
    other.write(String(number++).padStart(UNIQUE.length, "0"), place)
    return other
  }
}

class Window {
  beganAt = Infinity
  #endedAt = Infinity
  #job
  #total = []
  #firstByte = []
  #errors = 0
  #firstError
  #before
  #used

  constructor(job) {
    this.#job = job
  }

  begin() {
    this.#before = this.#usage()
    this.beganAt = performance.now()
  }

  record(connection) {
    if (this.beganAt === Infinity) return
    if (connection.failure !== undefined) return this.#fail(connection.failure)
    this.#total.push(connection.endedAt - connection.startedAt)
    this.#firstByte.push(connection.firstByteAt - connection.startedAt)
  }

  holds(startedAt) {
    return startedAt >= this.beganAt && startedAt < this.#endedAt
  }

  close() {
    if (this.#used !== undefined) return
    this.#endedAt = performance.now()
    const now = this.#usage()
    this.#used = Object.fromEntries(Object.keys(now).map((name) => [name, now[name] - this.#before[name]]))
  }

  /** The figures. `unanswered` are starts of requests that should be answered by now: errors, as slow as they are old. */
  end(unanswered) {
    this.close()
    const done = this.#total.length
    for (const startedAt of unanswered) {
      this.#fail("no answer by the end of the measurement")
      this.#total.push(performance.now() - startedAt)
    }
    const { clock, system, load, all, stolen } = this.#used
    return {
      count: done,
      perSecond: done / clock,
      cpuUs: done === 0 ? null : (system / done) * 1e6,
      busy: system / clock,
      loadBusy: load / clock,
      othersBusy: Math.max(0, (all - system - load) / clock),
      stolen: stolen / clock,
      totalMs: quantiles(this.#total),
      firstByteMs: quantiles(this.#firstByte),
      errors: this.#errors,
      firstError: this.#firstError ?? null
    }
  }

  #fail(reason) {
    this.#errors += 1
    this.#firstError ??= reason
  }

  #usage() {
    const { group, loadGroups, systemCore } = this.#job
    const groups = cpuSecondsByGroup()
    const used = (some) => some.reduce((sum, one) => sum + (groups.get(one) ?? 0), 0)
    return {
      clock: performance.now() / 1000,
      system: used([group]),
      load: used(loadGroups),
      all: used([...groups.keys()]),
      stolen: systemCore === undefined ? 0 : stolenSeconds(systemCore)
    }
  }
}

const FAILURE_PAUSE_MS = 20
const CONNECT_MS = 100
const DRAIN_MS = 2000

const quantiles = (values) => {
  const sorted = Float64Array.from(values).toSorted()
  const at = (q) => (sorted.length === 0 ? null : sorted[Math.ceil(sorted.length * q) - 1])
  return { p50: at(0.5), p99: at(0.99) }
}

const startsOfBusy = (connections) => connections.filter(({ busy }) => busy).map(({ startedAt }) => startedAt)

const loops = { closed, open }
let group

process.on("message", async (job) => {
  group = job.group
  process.send(await loops[job.loop](job))
})

// Without its parent nobody else would end the system under test.
process.on("disconnect", () => {
  if (group !== undefined) {
    try {
      process.kill(-group, "SIGKILL")
    } catch {
      // It has ended already.
    }
  }
  process.exit()
})

process.send({ ready: true })
