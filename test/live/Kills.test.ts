import { prove } from "./support/kills.js"

prove(5)
