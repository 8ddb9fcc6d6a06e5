import { prove } from "./support/spending.js"

prove(3)
