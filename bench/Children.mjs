/** Child processes: each pinned to a core, in a process group of its own, and killed whatever happens to this one. */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"

export const canPin = () => spawnSync("taskset", ["--version"]).error === undefined

/** `core` undefined runs unpinned. `ipc` gives a channel for `ask`. */
export const start = ([command, ...args], { core, env, cwd, output = "inherit", ipc = false }) => {
  const [program, ...programArgs] =
    core === undefined ? [command, ...args] : ["taskset", "-c", String(core), command, ...args]
  const child = spawn(program, programArgs, {
    env: env ?? process.env,
    cwd,
    detached: true,
    stdio: ["ignore", output, output === "inherit" ? "inherit" : output, ...(ipc ? ["ipc"] : [])]
  })
  children.add(child)
  child.once("exit", () => kill(child))
  return child
}

/** Ends a child and all that it started. */
export const kill = (child) => {
  if (!children.delete(child) || child.pid === undefined) return
  try {
    process.kill(-child.pid, "SIGKILL")
  } catch {
    // The group is empty: all have ended.
  }
}

/** As `kill`, and waits until it is gone: its core and its files are free for the next one. */
export const stop = async (child) => {
  const gone = hasEnded(child) ? undefined : once(child, "exit", { signal: AbortSignal.timeout(5000) })
  kill(child)
  await gone
}

export const hasEnded = (child) => child.exitCode !== null || child.signalCode !== null

export const killAll = () => children.forEach(kill)

/** Sends a message, if any, and gives the next one that comes back. Fails when the child ends or `timeoutMs` passes. */
export const ask = (child, message, timeoutMs) =>
  new Promise((resolve, reject) => {
    const settle = (outcome) => (value) => {
      clearTimeout(timer)
      child.off("message", answered)
      child.off("exit", ended)
      outcome(value)
    }
    const answered = settle(resolve)
    const ended = settle((code) => reject(new Error(`${child.spawnargs.join(" ")} ended (${code})`)))
    const timer = setTimeout(
      settle(() => reject(new Error(`${child.spawnargs.join(" ")} did not answer in ${timeoutMs} ms`))),
      timeoutMs
    )
    child.once("message", answered)
    child.once("exit", ended)
    if (message !== undefined) child.send(message)
  })

const children = new Set()
