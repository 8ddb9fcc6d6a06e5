/** What Linux knows about processes and cores. Times in seconds; a tick is 10 ms on every Linux that Node runs on. */
import { readdirSync, readFileSync } from "node:fs"

/** CPU time used so far on this machine, by process group; a process's ended children count as its own. */
export const cpuSecondsByGroup = () => {
  const groups = new Map()
  for (const { stat } of processes()) {
    const ticks = Number(stat[11]) + Number(stat[12]) + Number(stat[13]) + Number(stat[14])
    const group = Number(stat[2])
    groups.set(group, (groups.get(group) ?? 0) + ticks / TICKS)
  }
  return groups
}

/** Resident memory of all processes of a process group, in bytes. */
export const groupRssBytes = (group) =>
  processes()
    .filter(({ stat }) => Number(stat[2]) === group)
    .reduce((sum, { pid }) => {
      const kib = /VmRSS:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1]
      return sum + Number(kib ?? 0) * 1024
    }, 0)

/**
 * Time that the hypervisor has kept a core from us. The other fields of /proc/stat are sampled at clock ticks, which
 * load in step with the clock deceives; they are of no use here.
 */
export const stolenSeconds = (core) =>
  Number(new RegExp(`^cpu${core}((?: \\d+){8})`, "m").exec(read("/proc/stat"))?.[1].split(" ")[8] ?? 0) / TICKS

/** The cores that this process may use. */
export const allowedCores = () => {
  const list = /Cpus_allowed_list:\s+(\S+)/.exec(read("/proc/self/status"))?.[1] ?? "0"
  return list.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}

const TICKS = 100

const processes = () =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({ pid, stat: statOf(pid) }))
    .filter(({ stat }) => stat.length > 14)

// The second field is the command's name in brackets and may hold spaces, so fields are counted from the state on.
const statOf = (pid) => read(`/proc/${pid}/stat`).split(") ").at(-1).split(" ")

// A process may end between the listing and the reading.
const read = (path) => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}
