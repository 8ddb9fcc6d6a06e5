import { it } from "@effect/vitest"

/**
 * Before each file of tests: `layer` of @effect/vitest hands out the very `it` that all import, with the services of its layer in it, and
 * leaves it so. Files of one process would share a clock.
 */
const known = globalThis as { orelseTests?: Pick<typeof it, "effect" | "scoped"> }
known.orelseTests ??= { effect: it.effect, scoped: it.scoped }
Object.assign(it, known.orelseTests)
