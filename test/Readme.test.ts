import { assert, describe, it } from "@effect/vitest"
import * as JSONSchema from "effect/JSONSchema"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { ConfigFile } from "../src/config/ConfigFile.js"
import { strategies } from "../src/config/Settings.js"
import { dialectsOf, vendorSlugs } from "../src/config/Vendors.js"
import { vendors } from "../src/provider/Vendor.js"

const readme = readFileSync("README.md", "utf8")

const fieldsOf = (section: keyof typeof ConfigFile.Encoded): ReadonlyArray<string> => {
  const { properties = {} } = JSONSchema.make(Schema.encodedSchema(ConfigFile)) as { readonly properties?: Properties }
  return Object.keys(properties[section]?.properties ?? {})
}

type Properties = Readonly<Record<string, { readonly properties?: object }>>

describe("README", () => {
  it("names every vendor and no other", () => {
    const from = readme.indexOf("| speaks | vendors |")
    const rows = readme.slice(from, readme.indexOf("\n\n", from)).split("\n").slice(2)
    const named = rows.flatMap((row) =>
      [...(row.split("|")[2] ?? "").matchAll(/`([^`]+)`/g)].flatMap(([, word = ""]) =>
        /^[a-z]+(-[a-z]+)*$/.test(word) ? [word] : []
      )
    )
    assert.sameMembers([...new Set(named)], [...vendorSlugs])
  })

  it("names every strategy and no other", () => {
    const from = readme.indexOf("| strategy | first is |")
    const rows = readme.slice(from, readme.indexOf("\n\n", from)).split("\n").slice(2)
    assert.sameMembers(
      rows.map((row) => /`([^`]+)`/.exec(row)?.[1]),
      [...strategies]
    )
  })

  it.each(["cache", "circuitBreaker", "health"] as const)("names every field of %s", (section) => {
    const [, listed = ""] = new RegExp(`\`${section}\` in the config file: \`([^\`]+)\``).exec(readme) ?? []
    assert.sameMembers(listed.split(/\s+/), [...fieldsOf(section)])
  })
})

describe("a vendor", () => {
  it.each(vendorSlugs)("has an endpoint for each dialect that an instance of it may be told: %s", (slug) => {
    assert.includeMembers(Object.keys(vendors[slug].endpoints), [...dialectsOf(slug)])
  })
})
