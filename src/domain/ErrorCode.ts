/** What Node or a driver calls an error, as `ENOSPC` or `23505`: mostly the only word of it that is safe to say. */
export const of = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined
