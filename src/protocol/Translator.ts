import type { StreamWriter } from "./Dialects.js"
import { isPing, type Output } from "./StreamMachine.js"

/** Shows a stream in another dialect than it comes in. */
export const make = (writer: StreamWriter): Output => ({
  sparing: false,
  glance: () => undefined,
  show: (_, reading) => (isPing(reading) ? writer.ping : writer.write(reading)),
  comment: () => writer.ping,
  close: (usage) => writer.close(usage),
  failure: () => undefined
})
