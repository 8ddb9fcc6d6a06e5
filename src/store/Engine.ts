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

/** Resolves with its first word. */
const begin = async (data: WorkerData): Promise<Worker> => {
  const worker = new Worker(script, { workerData: data, stderr: true, argv: [] })
  // Rejects on "error".
  await once(worker, "message")
  return worker
}

/** Creates a cluster, which takes seconds. */
export const create = async (directory: string): Promise<void> => {
  const worker = await begin({ directory, create: true })
  await worker.terminate()
}

/** PGlite in a worker thread. Should the thread die, the next connection finds a new one: Postgres recovers as after any crash. */
export class Engine {
  private running: Promise<Worker> | undefined = undefined

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

  /** Closes the database, or the thread where it does not answer. */
  async stop(patience: number): Promise<void> {
    const worker = await this.running?.catch(() => undefined)
    this.running = undefined
    if (worker === undefined) return
    const timer = setTimeout(() => void worker.terminate(), patience)
    const exit = once(worker, "exit")
    // It may have gone before.
    if (worker.threadId === -1) return clearTimeout(timer)
    worker.postMessage("close")
    await exit
    clearTimeout(timer)
  }

  private async start(): Promise<Worker> {
    const worker = await begin({ directory: this.directory, create: false })
    // Whoever is connected sees the closed port.
    worker.on("error", () => {})
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
