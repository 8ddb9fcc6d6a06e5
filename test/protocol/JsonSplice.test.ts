import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as JsonSplice from "../../src/protocol/JsonSplice.js"

type Changes = Readonly<Record<string, string | undefined>>

const edited = (text: string, changes: Changes) => Buffer.from(JsonSplice.edit(Buffer.from(text), changes)).toString()
const appended = (text: string, key: string, value: string) =>
  Buffer.from(JsonSplice.append(Buffer.from(text), key, value)).toString()

interface Member {
  readonly name: string
  /** As it stands in the text: quoted, perhaps with escapes. */
  readonly key: string
  readonly value: string
}

const space = FastCheck.constantFrom("", "", " ", "\n  ", "\r\n", "\t")

/** Few names, so that members repeat and are hit by the changes. */
const name = FastCheck.constantFrom("model", "stream", "a", "", "ключ", 'q"\\', "__proto__", "mode")

const escaped = (text: string) =>
  `"${Array.from(text, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")}"`

const number = FastCheck.constantFrom("12345678901234567890", "-0", "1E400", "0.10", "9007199254740993")

const value = FastCheck.oneof(
  FastCheck.json(),
  number,
  FastCheck.string().map((text) => JSON.stringify(`${text}\\"{[,]}`)),
  FastCheck.array(FastCheck.json(), { maxLength: 3 }).map((items) => `[ ${items.join(" ,\n")} ]`),
  FastCheck.nat({ max: 70 }).map((length) => JSON.stringify(`${"x".repeat(length)}"${"\\".repeat(length % 5)}`))
)

const member: FastCheck.Arbitrary<Member> = FastCheck.record({ name, value, escape: FastCheck.boolean() }).map(
  ({ escape, name: plain, value: text }) => ({
    name: plain,
    key: escape ? escaped(plain) : JSON.stringify(plain),
    value: text
  })
)

const object = FastCheck.record({
  members: FastCheck.array(member, { maxLength: 6 }),
  spaces: FastCheck.array(space, { minLength: 32, maxLength: 32 })
}).map(({ members, spaces }) => {
  let at = 0
  const gap = () => spaces[at++] ?? ""
  const inside = members.map(({ key, value: text }) => `${gap()}${key}${gap()}:${gap()}${text}${gap()}`).join(",")
  return { members, text: `${gap()}{${inside || gap()}}${gap()}` }
})

const changes: FastCheck.Arbitrary<Changes> = FastCheck.array(
  FastCheck.tuple(name, FastCheck.option(value, { nil: undefined })),
  { maxLength: 3 }
).map((entries) => Object.fromEntries(entries))

/** What is asked for, on the parsed value. */
const reference = (text: string, wanted: Changes): unknown => {
  const parsed = new Map<string, unknown>(Object.entries(JSON.parse(text)))
  for (const [key, to] of Object.entries(wanted)) {
    if (to === undefined) parsed.delete(key)
    else parsed.set(key, JSON.parse(to))
  }
  return Object.fromEntries(parsed)
}

describe("edit", () => {
  it("gives the object that parsing, changing and writing would give", () => {
    FastCheck.assert(
      FastCheck.property(object, changes, ({ text }, wanted) => {
        assert.deepStrictEqual(JSON.parse(edited(text, wanted)), reference(text, wanted))
      }),
      { numRuns: 2000 }
    )
  })

  it("keeps the bytes of every untouched member, in their order, and one of each changed one", () => {
    FastCheck.assert(
      FastCheck.property(object, changes, ({ members, text }, wanted) => {
        const rest = members.filter((item) => !Object.hasOwn(wanted, item.name))
        const out = edited(text, wanted)
        let at = 0
        for (const { key, value: bytes } of rest) {
          const from = out.indexOf(key, at)
          assert.isAtLeast(from, at)
          at = out.indexOf(bytes, from + key.length) + bytes.length
          assert.isAbove(at, from)
        }
        const names = new Set(Object.entries(wanted).flatMap(([key, to]) => (to === undefined ? [] : [key])))
        const size = (bytes: string) => bytes.replaceAll(/\s/g, "").length
        const added = [...names].map((key) => {
          const last = members.findLast((item) => item.name === key)
          return size(`${last?.key ?? JSON.stringify(key)}:${wanted[key] ?? ""}`)
        })
        const kept = rest.map((item) => size(`${item.key}:${item.value}`))
        const all = [...added, ...kept]
        const commas = Math.max(0, all.length - 1)
        assert.strictEqual(
          size(out),
          all.reduce((sum, each) => sum + each, 2 + commas)
        )
      }),
      { numRuns: 1000 }
    )
  })

  it("gives the very same array where nothing changes", () => {
    FastCheck.assert(
      FastCheck.property(object, ({ members, text }) => {
        const body = Buffer.from(text)
        const unique = members.filter((item) => members.filter((other) => other.name === item.name).length === 1)
        const same = Object.fromEntries(unique.map((item) => [item.name, item.value]))
        assert.strictEqual(JsonSplice.edit(body, { ...same, missing: undefined }), body)
      })
    )
  })

  it("does the same on a view into a larger array", () => {
    const text = '{"model":"a","n":1}'
    const larger = Buffer.from(`xxx${text}yyy`)
    const view = new Uint8Array(larger.buffer, larger.byteOffset + 3, text.length)
    assert.strictEqual(Buffer.from(JsonSplice.edit(view, { model: '"b"' })).toString(), '{"model":"b","n":1}')
  })

  const examples: ReadonlyArray<readonly [what: string, text: string, wanted: Changes, out: string]> = [
    ["replaces a value", '{"a": 1, "b" : 2 }', { b: "3" }, '{"a": 1, "b" : 3 }'],
    ["removes the first member", '{ "a": 1, "b": 2 }', { a: undefined }, '{ "b": 2 }'],
    ["removes a middle member", '{"a":1, "b":2, "c":3}', { b: undefined }, '{"a":1, "c":3}'],
    ["removes the last member", '{"a":1, "b":2 }', { b: undefined }, '{"a":1 }'],
    ["removes the only member", '{ "a":1 }', { a: undefined }, "{  }"],
    ["removes the end of the object", '{"a":1,"b":2,"c":3}', { b: undefined, c: undefined }, '{"a":1}'],
    ["replaces all members by others", '{"a":1,"b":2}', { a: undefined, b: undefined, c: "3" }, '{"c":3}'],
    ["adds to an empty object", "{ }", { a: "1", b: "2" }, '{ "a":1,"b":2}'],
    ["adds to the end", '{"a":1\n}', { b: "2" }, '{"a":1,"b":2\n}'],
    ["keeps the last of a repeated key", '{"a":1,"b":2,"a":3}', { a: "4" }, '{"b":2,"a":4}'],
    ["removes every repetition", '{"a":1,"b":2,"a":3}', { a: undefined }, '{"b":2}'],
    ["knows a key with escapes", '{"mod\\u0065l":"x"}', { model: '"y"' }, '{"mod\\u0065l":"y"}'],
    [
      "leaves big integers alone",
      '{"seed":12345678901234567890,"a":1}',
      { a: "2" },
      '{"seed":12345678901234567890,"a":2}'
    ],
    ["leaves members of members alone", '{"x":{"a":1},"y":[{"a":2}]}', { a: undefined }, '{"x":{"a":1},"y":[{"a":2}]}'],
    ["is not misled by strings", '{"x":"\\"a\\":1,}","a":1}', { a: "2" }, '{"x":"\\"a\\":1,}","a":2}'],
    ["quotes a key that needs it", "{}", { 'a"': "1" }, '{"a\\"":1}']
  ]
  for (const [what, text, wanted, out] of examples) {
    it(`${what}`, () => assert.strictEqual(edited(text, wanted), out))
  }

  it("steps over long strings however many of their quotes are escaped", () => {
    for (let length = 0; length < 100; length++) {
      const text = JSON.stringify({
        a: `${"\\".repeat(length % 7)}${"y".repeat(length)}"${"\\".repeat(length % 4)}`,
        b: 1
      })
      assert.strictEqual(edited(text, { b: "2" }), text.replace(/1}$/, "2}"))
    }
  })
})

describe("append", () => {
  it("adds a member to the end of any object, and changes nothing else", () => {
    FastCheck.assert(
      FastCheck.property(object, value, ({ members, text }, to) => {
        const out = appended(text, "new", to)
        assert.deepStrictEqual(JSON.parse(out), { ...JSON.parse(text), new: JSON.parse(to) })
        const close = text.trimEnd().slice(0, -1).trimEnd().length
        assert.strictEqual(out.slice(0, close), text.slice(0, close))
        assert.strictEqual(out.length, text.length + `"new":${to}`.length + (members.length > 0 ? 1 : 0))
      })
    )
  })

  it("wins over a member of the same name", () => {
    assert.deepStrictEqual(JSON.parse(appended('{"a":1}', "a", "2")), { a: 2 })
  })
})
