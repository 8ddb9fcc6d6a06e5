import * as ErrorCode from "../domain/ErrorCode.js"

/** What the system calls an error, as `ENOSPC`: the only word of it that is safe to say. */
export const codeOf = (error: unknown): string => ErrorCode.of(error) ?? "unknown reason"

/** For what is only tidy, or tried again anyway: each caller says why it may fail. */
export const quietly = (attempt: () => void): void => {
  try {
    attempt()
  } catch {
    // Nobody needs to know.
  }
}
