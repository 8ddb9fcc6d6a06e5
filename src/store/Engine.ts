import { once } from "node:events"
import { existsSync } from "node:fs"
import { Duplex } from "node:stream"
import { fileURLToPath } from "node:url"
import { MessageChannel, Worker } from "node:worker_threads"

/** Workers take JavaScript only, so from the sources what was built of it is run. */
const script = ((): URL => {
  const beside = new URL("./EmbeddedWorker.js", import.meta.url)
  return existsSync(fileURLToPath(beside)) ? beside : new URL("../../dist/store/EmbeddedWorker.js", import.meta.url)
})()

/** What the thread is told. */
export interface WorkerData {
  readonly directory: string
  /** Only to create the cluster. */
  readonly create: boolean
}

const threadFor = (data: WorkerData): Worker => new Worker(script, { workerData: data, stderr: true, argv: [] })

/** Its first word; a thread that ends without one has failed. */
const ready = async (worker: Worker): Promise<void> => {
  const ended = new AbortController()
  const { signal } = ended
  try {
    // Both reject on "error".
    await Promise.race([
      once(worker, "message", { signal }),
      once(worker, "exit", { signal }).then(() => Promise.reject(new Error("its thread ended")))
    ])
  } finally {
    ended.abort()
  }
}

/** Creates a cluster, which takes seconds. */
export const create = async (directory: string): Promise<void> => {
  const worker = threadFor({ directory, create: true })
  await ready(worker)
  await worker.terminate()
}

/** PGlite in a worker thread. Should the thread die, the next connection finds a new one: Postgres recovers as after any crash. */
export class Engine {
  private running: Promise<Worker> | undefined = undefined
  private latest: Worker | undefined = undefined

  constructor(private readonly directory: string) {}

  worker(): Promise<Worker> {
    this.running ??= this.start()
    return this.running
  }

  /** The thread is of no use any more. */
  restart(): void {
    const before = this.running
    if (before === undefined) return
    const next = before.then((worker) => worker.terminate()).then(() => this.start())
    this.running = next
    next.catch(() => {
      if (this.running === next) this.running = undefined
    })
  }

  /** Closes the database, or the thread where it does not answer within so many ms, also one that still opens. */
  async stop(patience: number): Promise<void> {
    const timer = setTimeout(() => void this.latest?.terminate(), patience)
    const worker = await this.running?.catch(() => undefined)
    this.running = undefined
    // It may have gone before.
    if (worker !== undefined && worker.threadId !== -1) {
      const exit = once(worker, "exit")
      worker.postMessage("close")
      await exit
    }
    clearTimeout(timer)
  }

  private async start(): Promise<Worker> {
    const worker = threadFor({ directory: this.directory, create: false })
    this.latest = worker
    // Whoever is connected sees the closed port.
    worker.on("error", () => {})
    await ready(worker)
    return worker
  }
}

/** What `pg` takes for a TCP socket. */
export class WorkerSocket extends Duplex {
  private readonly channel = new MessageChannel()
  private readonly port = this.channel.port1

  constructor(private readonly engine: Engine) {
    super()
    this.port.on("message", (bytes: Uint8Array) => this.push(bytes))
    this.port.on("close", () => {
      if (!this.destroyed && !this.writableEnded) engine.restart()
      this.destroy()
    })
  }

  connect(): this {
    this.engine.worker().then(
      (worker) => {
        worker.postMessage(this.channel.port2, [this.channel.port2])
        return this.emit("connect")
      },
      (error: unknown) =>
        this.destroy(error instanceof Error ? error : new Error("the embedded database did not start"))
    )
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    this.port.ref()
    return this
  }

  unref(): this {
    this.port.unref()
    return this
  }

  override _read(): void {}

  /** What pg corked together goes over as one message, but for Terminate ("X"), which would end the only backend. */
  override _writev(chunks: Array<{ chunk: Buffer }>, done: () => void): void {
    const bytes = new Uint8Array(Buffer.concat(chunks.map(({ chunk }) => chunk).filter((chunk) => chunk[0] !== 0x58)))
    if (bytes.length > 0) this.port.postMessage(bytes, [bytes.buffer])
    done()
  }

  override _final(done: () => void): void {
    this.port.close()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.port.close()
    done(error)
  }
}
