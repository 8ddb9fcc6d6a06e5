import { prove } from "../live/support/spending.js"

prove(100)
