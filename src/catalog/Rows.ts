import * as Effect from "effect/Effect"

/** A model as one instance has it, from that instance's own list. */
export interface CatalogRow {
  /** Its canonical name, the same at every instance. */
  readonly modelId: string
  readonly instance: string
  /** The provider's own id. */
  readonly providerModelId: string
  /** USD per million tokens as decimal strings; absent: not known. */
  readonly promptPrice?: string | undefined
  readonly completionPrice?: string | undefined
  /** Tokens of input and output together; absent: not known. */
  readonly contextWindow?: number | undefined
  readonly active: boolean
}

/** The lists of models that instances have given, by name. */
export interface Rows {
  /** Has the instance given a list? */
  readonly synced: (instance: string) => boolean
  /** Every row of a name, canonical or an instance's own. */
  readonly all: (name: string) => ReadonlyArray<CatalogRow>
  /** By instance, the row that answers to a name: its own id before its canonical one, an active row before others. */
  readonly named: (name: string) => ReadonlyMap<string, CatalogRow>
  /** The row of an instance's own id. */
  readonly own: (instance: string, providerModelId: string) => CatalogRow | undefined
  /** Every canonical name. */
  readonly models: ReadonlySet<string>
}

/** Nobody has given a list. */
export const none: Rows = {
  synced: () => false,
  all: () => [],
  named: () => nothing,
  own: () => undefined,
  models: new Set()
}

/** The same rows as if none were out of service. */
export const inService = (rows: Rows): Rows => {
  const own = (instance: string, id: string): CatalogRow | undefined => {
    const row = rows.own(instance, id)
    return row === undefined ? undefined : on(row)
  }
  return {
    ...rows,
    all: (name) => rows.all(name).map(on),
    named: (name) => new Map([...rows.named(name)].map(([instance, row]) => [instance, on(row)])),
    own
  }
}

const on = (row: CatalogRow): CatalogRow => (row.active ? row : { ...row, active: true })

/** Sorts rows by name, with pauses: there may be more than a million of them, and requests go on meanwhile. */
export const index = (rows: ReadonlyArray<CatalogRow>): Effect.Effect<Rows> =>
  Effect.gen(function* () {
    const byName = new Map<string, CatalogRow | Array<CatalogRow>>()
    const models = new Set<string>()
    const synced = new Set<string>()
    for (let from = 0; from < rows.length; from += atOnce) {
      for (const row of rows.slice(from, from + atOnce)) {
        synced.add(row.instance)
        models.add(row.modelId)
        add(byName, row.modelId, row)
        if (row.providerModelId !== row.modelId) add(byName, row.providerModelId, row)
      }
      yield* pause
    }
    const all = (name: string): ReadonlyArray<CatalogRow> => {
      const found = byName.get(name)
      return found === undefined ? [] : isMany(found) ? found : [found]
    }
    return {
      synced: (instance) => synced.has(instance),
      models,
      all,
      named: (name) => {
        const best = new Map<string, CatalogRow>()
        for (const row of all(name)) {
          const other = best.get(row.instance)
          if (other === undefined || isBetter(row, other, name)) best.set(row.instance, row)
        }
        return best
      },
      own: (instance, id) => all(id).find((row) => row.instance === instance && row.providerModelId === id)
    }
  })

/** Effect's own yield lets other fibers run, but no sockets. */
const pause = Effect.async<void>((resume) => {
  const waiting = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(waiting))
})

/** About a ms of work. */
const atOnce = 2_000

const nothing: ReadonlyMap<string, CatalogRow> = new Map()

/** Most names are one row's: those need no list. */
const add = (byName: Map<string, CatalogRow | Array<CatalogRow>>, name: string, row: CatalogRow): void => {
  const known = byName.get(name)
  if (known === undefined) byName.set(name, row)
  else if (isMany(known)) known.push(row)
  else byName.set(name, [known, row])
}

const isMany = (found: CatalogRow | Array<CatalogRow>): found is Array<CatalogRow> => Array.isArray(found)

/** Of several rows for one name the shortest id is the plain model; `:free` and dates are its variants. */
const isBetter = (row: CatalogRow, other: CatalogRow, name: string): boolean => {
  if (row.active !== other.active) return row.active
  const [one, two] = [row.providerModelId, other.providerModelId]
  if (one === name || two === name) return one === name
  return one.length === two.length ? one < two : one.length < two.length
}
