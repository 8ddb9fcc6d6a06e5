import * as PlainText from "./PlainText.js"

/** Who asks. On every request, cache key and row from the first day, also where nobody had to log in. */
export interface Caller {
  readonly tenant: string
  /** The end user that the caller named, if any. */
  readonly user: string | undefined
  /** Id of the gateway key that was used, never the key itself. */
  readonly key: string | undefined
}

/** The same caller, for the end user that its request names, unless it is known already which one that is. */
export const naming = (caller: Caller, user: string | undefined): Caller =>
  user === undefined || user === "" || caller.user !== undefined ? caller : { ...caller, user: PlainText.of(user) }

/** The caller of a gateway without keys, or of the library. */
export const local: Caller = { tenant: "default", user: undefined, key: undefined }
