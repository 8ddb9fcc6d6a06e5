/** From rounds to medians, ratios, a verdict and a table. */

/**
 * Adds to what was measured: `medians` over the rounds by role (`errors` are sums), `ratios` (`{median, min, max}` of each
 * round's system / floor), `verdict` on requests/s, `warnings` and `failed`.
 */
export const summarise = (measured) => {
  const { rounds } = measured
  const rows = SECTIONS.flatMap((section) => section.rows).filter(({ of }) => of(rounds[0].floor) !== undefined)
  const medians = Object.fromEntries(
    ["floor", "subject"].map((role) => [
      role,
      Object.fromEntries(
        rows.map(({ key, of, over = median }) => [key, over(rounds.map((round) => of(round[role]) ?? NaN))])
      )
    ])
  )
  const ratios = Object.fromEntries(
    rows
      .filter(({ compare }) => compare !== false)
      .map(({ key, of }) => {
        const each = rounds.map(({ floor, subject }) => (of(subject) ?? NaN) / of(floor))
        return [key, { median: median(each), min: Math.min(...each), max: Math.max(...each) }]
      })
  )
  const verdict = verdictOn(rounds, ratios.cpuUs?.median)
  const errors = rows.some(({ over, key }) => over === sum && medians.floor[key] + medians.subject[key] > 0)
  return {
    ...measured,
    medians,
    ratios,
    verdict,
    warnings: warningsAbout(measured),
    failed: errors || verdict?.result === "ALARM"
  }
}

/** The summary as text. */
export const render = ({ subject, machine, options, rounds, medians, ratios, verdict, warnings }) => {
  const lines = [
    `${machine.cpu}, node ${machine.node}, ${machine.pinned ? "pinned" : "NOT PINNED"}, ` +
      `rounds: ${rounds.length}${options.quick ? ", quick" : ""}; database: ${options.database}; medians; ratio is ${subject} / floor (range over rounds)`
  ]
  for (const { title, rows } of SECTIONS) {
    const shown = rows.filter(({ key }) => key in medians.floor)
    if (shown.length === 0) continue
    lines.push("", line(title, "floor", subject, "ratio"))
    for (const { key, label, digits } of shown) {
      const [floor, system] = [medians.floor[key], medians.subject[key]].map((value) => fixed(value, digits))
      lines.push(line(`  ${label}`, floor, system, spread(ratios[key])))
    }
  }
  lines.push("", ...warnings.map((warning) => `warning: ${warning}`))
  if (verdict !== null) {
    const { result, ratio, soundRounds, byCpu, target, alarm } = verdict
    lines.push(
      `requests/s ratio ${fixed(ratio, 2)}: ${result} (target ${target}, alarm below ${alarm}; from ${soundRounds} of ` +
        `${rounds.length} rounds, the rest disturbed; CPU time alone suggests ${fixed(byCpu, 2)})`
    )
  }
  return `${lines.join("\n")}\n`
}

const TARGET = 0.5
const ALARM = 0.35

/**
 * From the rounds in which neither closed loop was robbed of its core by somebody else. Where there are none the result
 * is `inconclusive`; `byCpu`, what the CPU time of a request leads one to expect, holds on a busy machine too.
 */
const verdictOn = (rounds, cpuRatio) => {
  if (rounds[0].floor.closed === undefined) return null
  const sound = rounds.filter(({ floor, subject }) => !robbed(floor.closed) && !robbed(subject.closed))
  const ratio = sound.length === 0 ? null : median(sound.map(rateRatio))
  const result =
    ratio === null ? "inconclusive" : ratio >= TARGET ? "target met" : ratio >= ALARM ? "below target" : "ALARM"
  return { result, ratio, soundRounds: sound.length, byCpu: 1 / cpuRatio, target: TARGET, alarm: ALARM }
}

const robbed = ({ busy, othersBusy, stolen }) => busy < 0.9 && othersBusy + stolen > 0.1

const rateRatio = ({ floor, subject }) => subject.closed.perSecond / floor.closed.perSecond

const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

const sum = (values) => values.reduce((total, value) => total + value, 0)

const streamRows = (phase) => [
  { key: `${phase}PerSecond`, label: "streams/s", digits: 1, of: (r) => r[phase]?.perSecond },
  { key: `${phase}CpuUs`, label: "CPU us a stream", digits: 0, of: (r) => r[phase]?.cpuUs },
  { key: `${phase}TtfbP50Ms`, label: "first byte p50 ms", digits: 2, of: (r) => r[phase]?.firstByteMs.p50 },
  { key: `${phase}TtfbP99Ms`, label: "first byte p99 ms", digits: 2, of: (r) => r[phase]?.firstByteMs.p99 },
  { key: `${phase}P50Ms`, label: "whole stream p50 ms", digits: 1, of: (r) => r[phase]?.totalMs.p50 },
  { key: `${phase}P99Ms`, label: "whole stream p99 ms", digits: 1, of: (r) => r[phase]?.totalMs.p99 },
  ...stateRows(phase)
]

const stateRows = (phase) => [
  { key: `${phase}Busy`, label: "share of its core in use", digits: 2, of: (r) => r[phase]?.busy, compare: false },
  {
    key: `${phase}LoadBusy`,
    label: "load and mock, of theirs",
    digits: 2,
    of: (r) => r[phase]?.loadBusy,
    compare: false
  },
  { key: `${phase}Errors`, label: "errors", digits: 0, of: (r) => r[phase]?.errors, compare: false, over: sum }
]

const SECTIONS = [
  {
    title: "buffered, 64 connections, closed loop",
    rows: [
      { key: "requestsPerSecond", label: "requests/s", digits: 0, of: (r) => r.closed?.perSecond },
      { key: "cpuUs", label: "CPU us a request", digits: 1, of: (r) => r.closed?.cpuUs },
      ...stateRows("closed")
    ]
  },
  {
    title: "buffered, 1000 requests/s, open loop",
    rows: [
      { key: "openP50Ms", label: "latency p50 ms", digits: 2, of: (r) => r.open?.totalMs.p50 },
      { key: "openP99Ms", label: "latency p99 ms", digits: 2, of: (r) => r.open?.totalMs.p99 },
      { key: "lateP50Ms", label: "of it sent late p50 ms", digits: 2, of: (r) => r.open?.lateMs.p50, compare: false },
      { key: "lateP99Ms", label: "of it sent late p99 ms", digits: 2, of: (r) => r.open?.lateMs.p99, compare: false },
      ...stateRows("open")
    ]
  },
  { title: "100 streams, 64 chunks, 10 ms gaps", rows: streamRows("stream10") },
  { title: "100 streams, 64 chunks, no gaps", rows: streamRows("stream0") },
  {
    title: "memory",
    rows: [
      { key: "rssIdleMiB", label: "RSS idle MiB", digits: 0, of: (r) => r.rssMiB.idle },
      { key: "rssLoadedMiB", label: "RSS after load MiB", digits: 0, of: (r) => r.rssMiB.loaded }
    ]
  }
]

const PHASES = ["closed", "open", "stream10", "stream0"]

const warningsAbout = ({ subject, rounds }) => {
  const cells = rounds.flatMap((round, i) =>
    ["floor", "subject"].map((role) => ({
      where: `round ${i + 1}, ${role === "floor" ? "floor" : subject}`,
      result: round[role],
      windows: PHASES.filter((phase) => phase in round[role]).map((phase) => ({ phase, ...round[role][phase] }))
    }))
  )
  const windows = cells.flatMap((cell) => cell.windows)
  const rates = "closed" in rounds[0].floor ? rounds.map(rateRatio) : []
  return [
    disturbance(windows, "other processes used", "othersBusy", 0.1),
    disturbance(windows, "the hypervisor took", "stolen", 0.05),
    Math.max(...rates) > 1.3 * Math.min(...rates) && "the rounds disagree: run again on a quiet machine",
    ...cells.flatMap(({ where, result, windows: own }) =>
      [...own.flatMap(windowWarnings), logWarning(result, own)].map((text) => text && `${where}, ${text}`)
    )
  ].filter(Boolean)
}

const disturbance = (windows, what, field, limit) => {
  const disturbed = windows.map((window) => window[field]).filter((share) => share > limit)
  if (disturbed.length === 0) return undefined
  return `${what} up to ${percent(Math.max(...disturbed))} of a core in ${disturbed.length} of ${windows.length} windows`
}

const windowWarnings = ({ phase, busy, loadBusy, othersBusy, errors, firstError }) => [
  errors > 0 && `${phase}: ${errors} errors, the first: ${firstError}`,
  phase === "closed" &&
    busy < 0.9 &&
    `${phase}: the system was not the limit, it used ${percent(busy)} of its core (load and mock ${percent(loadBusy)} ` +
      `of theirs, other processes ${percent(othersBusy)})`
]

const percent = (share) => `${Math.round(share * 100)} %`

// The access log stays on while orelse is measured; a line of it is well over 50 bytes.
const logWarning = ({ accessLogBytes }, windows) => {
  const requests = sum(windows.map(({ count }) => count))
  if (accessLogBytes === null || accessLogBytes >= 50 * requests) return undefined
  return `${accessLogBytes} bytes of access log for ${requests} requests: it is not on`
}

const spread = (ratio) =>
  Number.isFinite(ratio?.median) ? `${fixed(ratio.median, 2)} (${fixed(ratio.min, 2)}-${fixed(ratio.max, 2)})` : ""

const fixed = (value, digits) => (Number.isFinite(value) ? value.toFixed(digits) : "-")

const line = (label, floor, subject, ratio) =>
  `${label.padEnd(40)}${floor.padStart(12)}${subject.padStart(12)}    ${ratio}`.trimEnd()
