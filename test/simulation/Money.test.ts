import { proveAll } from "./proving.js"

// A thousand worlds of a thousand are in test/chaos.
proveAll({ seeds: 50, requests: 200 })
