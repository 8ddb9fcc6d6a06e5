import { prove } from "./support/outages.js"

prove({ windows: 2, window: 1_200, rounds: 1 })
