import { proveAll } from "../simulation/proving.js"

proveAll({ seeds: 1_000, requests: 1_000 })
