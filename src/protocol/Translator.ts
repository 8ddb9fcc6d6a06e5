import type { StreamWriter } from "./Dialects.js"
import type { Output } from "./StreamMachine.js"

/** Shows a stream in another dialect than it comes in. */
export const make = (writer: StreamWriter): Output => ({
  glance: () => undefined,
  show: (_, reading) => writer.write(reading),
  comment: () => writer.ping,
  close: (usage) => writer.close(usage),
  failure: () => undefined
})
