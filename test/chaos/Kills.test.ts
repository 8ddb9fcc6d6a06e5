import { prove } from "../live/support/kills.js"

prove(50)
