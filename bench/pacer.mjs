/**
 * Posts the scheduled time of each request, in ms of the monotonic clock, when it is due. A timer of the event loop is up
 * to 1 ms late, several times what is measured; a thread that waits on a futex is about 0.1 ms late and burns no CPU.
 */
import { parentPort, workerData } from "node:worker_threads"

const now = () => Number(process.hrtime.bigint()) / 1e6
const never = new Int32Array(new SharedArrayBuffer(4))
const startedAt = now()

for (let i = 0; i < workerData.count; i++) {
  const due = startedAt + (i * 1000) / workerData.rate
  const wait = due - now()
  if (wait > 0) Atomics.wait(never, 0, 0, wait)
  parentPort.postMessage(due)
}
