import { readFileSync } from "node:fs"
import { codeOf } from "./SystemError.js"

/** Is there such a process? `started` tells a reused pid from the old one, as far as it is known. */
export const isAlive = (pid: number, started: string | null | undefined): boolean => {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (codeOf(error) === "ESRCH") return false
  }
  return started === null || started === undefined || started === startOf(pid)
}

/** When a process started, as its system counts. Linux only; one that was killed and is not yet reaped has no start. */
export const startOf = (pid: number): string | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    const fields = stat.slice(stat.lastIndexOf(")")).split(" ")
    return fields[1] === "Z" ? undefined : fields[20]
  } catch {
    return undefined
  }
}
