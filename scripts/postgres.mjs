/**
 * For the live suite: a Postgres of its own at `TEST_DATABASE_URL`, where that is unset and the machine has one installed. The
 * tests of the tables then run on it; otherwise they run on the embedded one, as in `npm test`.
 */
import { spawn, spawnSync } from "node:child_process"
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { Client } from "pg"

const root = "/usr/lib/postgresql"

export default async () => {
  if (process.env.TEST_DATABASE_URL) return undefined
  const bin = newest()
  if (bin === undefined) {
    process.stderr.write(
      "no Postgres is installed: the tests of the tables run on the embedded one (apt-get install postgresql)\n"
    )
    return undefined
  }
  const directory = mkdtempSync(path.join(tmpdir(), "orelse-test-postgres-"))
  const user = owner()
  if (user.uid !== undefined) chownSync(directory, user.uid, user.gid)
  const data = path.join(directory, "data")
  const made = spawnSync(path.join(bin, "initdb"), ["-D", data, "-A", "trust", "-U", "orelse", "--no-sync"], {
    ...user,
    cwd: directory,
    encoding: "utf8"
  })
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`)
  const port = await freePort()
  const flags = ["-D", data, "-p", String(port), "-k", directory, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
  const server = spawn(path.join(bin, "postgres"), flags, { ...user, cwd: directory, stdio: "ignore" })
  const url = `postgres://orelse@127.0.0.1:${port}/postgres`
  await answers(url)
  process.env.TEST_DATABASE_URL = url
  return async () => {
    const ended = new Promise((resolve) => server.once("exit", resolve))
    server.kill("SIGINT")
    await ended
    rmSync(directory, { recursive: true, force: true })
  }
}

const newest = () => {
  const versions = existsSync(root) ? readdirSync(root).toSorted((a, b) => Number(b) - Number(a)) : []
  return versions
    .map((version) => path.join(root, version, "bin"))
    .find((bin) => existsSync(path.join(bin, "postgres")))
}

const id = (flag) => Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout)

// Postgres does not run as root.
const owner = () => {
  if (process.getuid?.() !== 0) return {}
  return { uid: id("-u"), gid: id("-g") }
}

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer()
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

const answers = async (url) => {
  for (const deadline = Date.now() + 30_000; ; await sleep(50)) {
    const client = new Client({ connectionString: url })
    try {
      await client.connect()
      return await client.end()
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
  }
}
