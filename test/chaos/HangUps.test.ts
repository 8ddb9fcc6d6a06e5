import { prove } from "../live/support/hangups.js"

prove(100)
