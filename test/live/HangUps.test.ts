import { prove } from "./support/hangups.js"

prove(20)
