import { randomUUID } from "node:crypto"
import type { AlertSettings } from "../config/Settings.js"
import * as Alert from "../domain/Alert.js"
import * as AlertBody from "./AlertBody.js"
import type { AlertRecord } from "./AlertTables.js"
import type { MemoryOutbox } from "./MemoryOutbox.js"
import { Repeats } from "./Repeats.js"
import * as Target from "./Target.js"

/** What a teller works with. */
export interface Means {
  readonly settings: () => AlertSettings
  /** Unix ms. */
  readonly now: () => number
  readonly memory: MemoryOutbox
  /** Brings a record to the database. False: it does not take any now. */
  readonly append: (record: AlertRecord) => boolean
  /** Is told where something is to be delivered. */
  readonly fresh: () => void
  /** Is told that the oldest one that waits was dropped. */
  readonly lost: () => void
  /** Is told of a kind of which there are too many. */
  readonly crowded: (kind: Alert.AlertKind) => void
}

/** Decides what is told, and where it is kept until it is delivered. */
export class Teller {
  private readonly repeats = new Repeats()
  private crowdedAt = Number.NEGATIVE_INFINITY

  constructor(private readonly means: Means) {}

  /** `shared`: the database is there to keep it, and other replicas see it. */
  tell(alert: Alert.Alert, shared: boolean): void {
    const { append, memory } = this.means
    const { repeatAfter, webhooks } = this.means.settings()
    const { kind } = alert
    const now = this.means.now()
    const name = AlertBody.subjectOf(kind, Alert.aboutOf(alert))
    const subject = { kind, name, made: Alert.isMadeByCallers(alert) }
    const verdict = this.repeats.admits(subject, shared ? "shared" : "own", now, repeatAfter)
    if (verdict === "too_many" && now - this.crowdedAt >= repeatAfter) {
      this.crowdedAt = now
      this.means.crowded(kind)
    }
    if (verdict !== "yes") return
    const told = AlertBody.of(alert, randomUUID(), now)
    const targets = webhooks.map(Target.of).flatMap(({ id, wants }) => (wants(kind) ? [id] : []))
    if (!shared || !append({ told, subject: name, at: now, repeatAt: now + repeatAfter, targets })) {
      this.repeats.stays(subject, now)
      if (!memory.add(told, targets, now)) this.means.lost()
    }
    this.means.fresh()
  }

  over(kind: Alert.AlertKind, about: ReadonlyArray<string>): void {
    const subject = AlertBody.subjectOf(kind, about)
    this.repeats.over(kind, subject)
    this.means.append({ over: subject, at: this.means.now() })
  }
}
