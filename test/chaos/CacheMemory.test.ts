import { prove } from "../live/support/cacheMemory.js"

prove(10)
