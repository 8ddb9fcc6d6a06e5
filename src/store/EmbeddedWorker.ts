import { PGlite } from "@electric-sql/pglite"
import { NodeFS } from "@electric-sql/pglite/nodefs"
import { closeSync, fsyncSync, mkdtempSync, openSync, readdirSync, renameSync, rmSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { MessagePort, parentPort, workerData } from "node:worker_threads"
import type { WorkerData } from "./Engine.js"

/*
 * Owns PGlite, in a worker thread: serves Postgres' wire protocol, one MessagePort a connection. Told so it only creates the
 * cluster, and ends: the memory that initdb took goes with the thread.
 */

/** PGlite runs Postgres with fsync off, on a file system that has none. Both are mended, or a power cut would lose commits. */
class DurableFS extends NodeFS {
  override async init(...args: Parameters<NodeFS["init"]>) {
    const { emscriptenOpts } = await super.init(...args)
    // Its types know Emscripten's own module only.
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), addFsync as () => void] } }
  }
}

/** The part of an Emscripten module that is changed. */
interface FileSystems {
  readonly FS: {
    readonly filesystems: { readonly NODEFS: { readonly stream_ops: { fsync: (file: { nfd: number }) => number } } }
  }
}

const addFsync = (module: FileSystems): void => {
  module.FS.filesystems.NODEFS.stream_ops.fsync = ({ nfd }) => {
    fsyncSync(nfd)
    return 0
  }
}

const settings = [
  // The default, fdatasync, does nothing under Emscripten.
  "wal_sync_method=fsync",
  // A tenth of the default; it halves what the whole costs, and such a database is small.
  "shared_buffers=16MB"
]

const open = async (directory: string): Promise<PGlite> => {
  let complaint: string | undefined
  try {
    return await PGlite.create({
      fs: new DurableFS(directory),
      startParams: [
        ...PGlite.defaultStartParams.filter((param) => param !== "-F"),
        ...settings.flatMap((setting) => ["-c", setting])
      ],
      onStderr: (line) => {
        complaint ??= /(?:FATAL|PANIC): +(.*)/.exec(line)?.[1]
        return false
      }
    })
  } catch (error) {
    // PGlite's own message is "Aborted()".
    throw complaint === undefined ? error : new Error(complaint, { cause: error })
  }
}

/** The cluster appears whole or not at all; of mode 0700, because PGlite leaves its files readable for everyone. */
const create = async (directory: string): Promise<void> => {
  const parent = dirname(directory)
  for (const name of readdirSync(parent)) {
    if (name.startsWith(`${basename(directory)}.new-`)) rmSync(join(parent, name), { recursive: true, force: true })
  }
  const unfinished = mkdtempSync(`${directory}.new-`)
  await (await open(unfinished)).close()
  // Fails where there is anything in it.
  renameSync(unfinished, directory)
  const descriptor = openSync(parent, "r")
  fsyncSync(descriptor)
  closeSync(descriptor)
}

const simpleQuery = (text: string): Buffer => {
  const message = Buffer.alloc(text.length + 6)
  message.write("Q", 0)
  message.writeInt32BE(text.length + 5, 1)
  message.write(text, 5)
  return message
}

const serve = async (parent: MessagePort, directory: string): Promise<void> => {
  const db = await open(directory)
  let current: MessagePort | undefined

  // `execProtocolRaw` would parse every reply again, and keep what it parsed for ever.
  const exec = async (message: Uint8Array): Promise<Uint8Array<ArrayBuffer>> => {
    const parts: Array<Uint8Array> = []
    await db.execProtocolRawStream(message, {
      syncToFs: false,
      onRawData: (bytes) => {
        parts.push(bytes.slice())
      }
    })
    return new Uint8Array(Buffer.concat(parts))
  }
  const reset = async (): Promise<void> => {
    await exec(simpleQuery("ROLLBACK"))
    await exec(simpleQuery("DISCARD ALL"))
  }

  // There is one session, and nothing is done beside another: a new connection takes it over, and finds nothing of the old one in it.
  let queue: Promise<unknown> = Promise.resolve()
  const next = (task: () => Promise<void>): void => {
    queue = queue.then(task)
  }
  const connect = (port: MessagePort): void => {
    next(async () => {
      if (current !== undefined) await reset()
      current = port
    })
    port.on("message", (message: Uint8Array) =>
      next(async () => {
        if (current !== port) return
        const reply = await exec(message)
        port.postMessage(reply, [reply.buffer])
      })
    )
    port.on("close", () =>
      next(async () => {
        if (current !== port) return
        await reset()
        current = undefined
      })
    )
  }
  parent.on("message", (message: unknown) => {
    if (message instanceof MessagePort) return connect(message)
    next(async () => {
      await db.close()
      process.exit()
    })
  })
  parent.postMessage("ready")
}

const wanted: unknown = workerData
if (parentPort !== null && typeof wanted === "object" && wanted !== null) {
  // Only `Engine` starts it.
  const { create: creates, directory } = wanted as WorkerData
  if (creates) {
    await create(directory)
    parentPort.postMessage("created")
  } else await serve(parentPort, directory)
}
