import { prove } from "../live/support/ledgerKills.js"

prove(100)
