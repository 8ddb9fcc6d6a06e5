/**
 * Changes top-level members of a JSON object in its bytes, so that big integers, the order of keys, white space and
 * unknown fields survive. `body` is a valid JSON object (`JSON.parse` took it); `changes` holds JSON text to put under a
 * key, or `undefined` to remove it; a missing key goes to the end. Of a repeated key the last one counts, as for
 * `JSON.parse`, and the others are removed. Where nothing changes the same array comes back.
 */
export const edit = (body: Uint8Array, changes: Readonly<Record<string, string | undefined>>): Uint8Array => {
  const bytes = asBuffer(body)
  const { count, end, found } = scan(bytes, Object.keys(changes))
  const last = new Map(found.map((member) => [member.key, member]))
  const isRemoved = (member: Member) => changes[member.key] === undefined || last.get(member.key) !== member

  const patches: Array<Patch> = []
  const firstOfTail = tailStart(found.filter(isRemoved), count)
  let kept = count
  for (const member of found) {
    const text = changes[member.key]
    if (text === undefined || isRemoved(member)) {
      kept--
      // A comma goes with the member before it, so the removed end of an object is one piece, comma first.
      if (member.index < firstOfTail) patches.push({ from: member.start, to: member.next, text: "" })
      else if (member.index === firstOfTail) patches.push({ from: member.afterPrevious, to: end, text: "" })
    } else if (!holds(bytes, member, text)) patches.push({ from: member.value, to: member.end, text })
  }
  const added = Object.entries(changes).filter(([key, text]) => text !== undefined && !last.has(key))
  if (added.length > 0) {
    const text = added.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(",")
    patches.push({ from: end, to: end, text: kept > 0 ? `,${text}` : text })
  }
  return patches.length === 0 ? body : splice(bytes, patches)
}

/**
 * The object with one more member at its end; looks at nothing but the end of the bytes, so a member of that name that is
 * there already stays, and loses to this one in `JSON.parse`.
 */
export const append = (body: Uint8Array, key: string, jsonText: string): Uint8Array => {
  const bytes = asBuffer(body)
  let at = bytes.lastIndexOf(closeBrace)
  while (isSpace(bytes[at - 1])) at--
  const separator = bytes[at - 1] === openBrace ? "" : ","
  return splice(bytes, [{ from: at, to: at, text: `${separator}${JSON.stringify(key)}:${jsonText}` }])
}

/** A member of the object, as offsets: `start` is its key's quote, `value` and `end` bound its value. */
interface Member {
  readonly key: string
  readonly index: number
  readonly start: number
  readonly value: number
  readonly end: number
  /** Where the value before it ends, or the object's inside begins. */
  readonly afterPrevious: number
  /** Where the next key begins. */
  next: number
}

interface Patch {
  readonly from: number
  readonly to: number
  readonly text: string
}

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b

const asBuffer = (body: Uint8Array): Buffer =>
  Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength)

/** The wanted members, in one pass over the object; values are stepped over without being read. */
const scan = (bytes: Buffer, wanted: ReadonlyArray<string>) => {
  const found: Array<Member> = []
  let pending: Member | undefined
  let count = 0
  let at = skipSpace(bytes, bytes.indexOf(openBrace) + 1)
  let end = at
  while (bytes[at] === quote) {
    const start = at
    if (pending !== undefined) pending.next = start
    pending = undefined
    const keyEnd = skipString(bytes, start)
    const value = skipSpace(bytes, skipSpace(bytes, keyEnd) + 1)
    const valueEnd = skipValue(bytes, value)
    const key = wanted.find((name) => isKey(bytes, start + 1, keyEnd - 1, name))
    if (key !== undefined) {
      pending = { key, index: count, start, value, end: valueEnd, afterPrevious: end, next: valueEnd }
      found.push(pending)
    }
    count++
    end = valueEnd
    at = skipSpace(bytes, valueEnd)
    if (bytes[at] === comma) at = skipSpace(bytes, at + 1)
  }
  return { count, end, found }
}

/** Nearly every key differs from a name in its first bytes, so none is decoded before an escape or non-ASCII calls for it. */
const isKey = (bytes: Buffer, start: number, end: number, name: string): boolean => {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]
    if (byte === backslash || (byte !== undefined && byte > 0x7f)) return decoded(bytes, start, end) === name
    if (byte !== name.charCodeAt(at - start)) return false
  }
  return end - start === name.length
}

const decoded = (bytes: Buffer, start: number, end: number): unknown =>
  JSON.parse(`"${bytes.toString("utf8", start, end)}"`)

/** Index in the object of the first of the removed members at its very end; `count` when the last member stays. */
const tailStart = (removed: ReadonlyArray<Member>, count: number): number => {
  let index = count
  for (let at = removed.length - 1; removed[at]?.index === index - 1; at--) index--
  return index
}

const holds = (bytes: Buffer, { end, value }: Member, text: string): boolean =>
  Buffer.byteLength(text) === end - value && bytes.toString("utf8", value, end) === text

const splice = (bytes: Buffer, patches: ReadonlyArray<Patch>): Uint8Array => {
  let size = bytes.length
  for (const { from, text, to } of patches) size += from - to + Buffer.byteLength(text)
  const out = Buffer.allocUnsafe(size)
  let read = 0
  let written = 0
  for (const { from, text, to } of patches) {
    written += bytes.copy(out, written, read, from)
    written += out.write(text, written)
    read = to
  }
  bytes.copy(out, written, read)
  return out
}

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

const skipSpace = (bytes: Buffer, from: number): number => {
  let at = from
  while (isSpace(bytes[at])) at++
  return at
}

const skipValue = (bytes: Buffer, from: number): number => {
  const head = bytes[from]
  if (head === quote) return skipString(bytes, from)
  return head === openBrace || head === openBracket ? skipNested(bytes, from) : skipWord(bytes, from)
}

const skipNested = (bytes: Buffer, from: number): number => {
  let depth = 0
  let at = from
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0
    if (byte === quote) {
      at = skipString(bytes, at)
      continue
    }
    at++
    const curly = byte | 0x20 // a square bracket becomes the curly one, and no other byte outside of strings does
    if (curly === openBrace) depth++
    else if (curly === closeBrace && --depth === 0) break
  }
  return at
}

/** A number, `true`, `false` or `null`. */
const skipWord = (bytes: Buffer, from: number): number => {
  let at = from
  while (at < bytes.length && bytes[at] !== comma && bytes[at] !== closeBrace && !isSpace(bytes[at])) at++
  return at
}

/** Most strings end within a few bytes, where a loop beats the call of `indexOf`; a long one is an image or a text. */
const nearby = 16

const skipString = (bytes: Buffer, from: number): number => {
  let at = from + 1
  while (at < bytes.length) {
    for (const far = at + nearby; at < far; at++) {
      const byte = bytes[at]
      if (byte === quote) return at + 1
      if (byte === backslash) at++
    }
    const found = bytes.indexOf(quote, at)
    if (found < 0) break
    let slashes = found
    while (bytes[slashes - 1] === backslash) slashes--
    at = found + 1
    if ((found - slashes) % 2 === 0) return at
  }
  return bytes.length
}
