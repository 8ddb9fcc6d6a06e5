import { prove } from "./support/ledgerKills.js"

prove(3, 1)
