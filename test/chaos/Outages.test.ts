import { prove } from "../live/support/outages.js"

prove({ windows: 4, window: 5_000, rounds: 3 })
