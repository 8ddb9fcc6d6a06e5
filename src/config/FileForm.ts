import type { InstanceSettings, ModelSettings } from "./Settings.js"

/** Fields in the form of the config file. */
export type Fields = Readonly<Record<string, unknown>>

/** An instance as the config file would say it, without its key. */
export const ofInstance = ({ simulated, retry, timeouts, ...instance }: InstanceSettings): Fields =>
  defined({
    ...instance,
    apiKey: undefined,
    timeouts: {
      connect: millis(timeouts.connect),
      firstToken: millis(timeouts.firstToken),
      idle: millis(timeouts.idle),
      total: millis(timeouts.total)
    },
    retry: { ...retry, baseDelay: millis(retry.baseDelay), maxDelay: millis(retry.maxDelay) },
    simulated:
      instance.provider === "simulated"
        ? { ...simulated, latency: millis(simulated.latency), tokenInterval: millis(simulated.tokenInterval) }
        : undefined
  })

/** A model as the config file would say it. */
export const ofModel = ({ targets, ...model }: ModelSettings): Fields =>
  defined({ ...model, targets: targets.length === 0 ? undefined : targets.map((target) => defined({ ...target })) })

const millis = (ms: number): string => `${ms}ms`

const defined = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
