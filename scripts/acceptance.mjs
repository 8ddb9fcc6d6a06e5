/**
 * Prints which client accepts which provider's answer through the gateway: the reporter of `npm run acceptance`. The cells
 * come from test/clients/Acceptance.test.ts.
 */
export default class Acceptance {
  rows = []
  unserved = {}
  failed = []

  onTestCaseResult(testCase) {
    const { acceptance, unserved } = testCase.meta()
    if (acceptance !== undefined) this.rows.push(acceptance)
    if (unserved !== undefined) this.unserved = unserved
    const { errors, state } = testCase.result()
    if (state === "failed" && acceptance === undefined) this.failed.push([testCase.name, errors?.[0]?.message])
  }

  onTestRunEnd(modules, errors) {
    process.stdout.write(`${this.text()}\n`)
    for (const { message } of modules.flatMap((module) => module.errors())) this.failed.push(["the test file", message])
    for (const [name, message] of this.failed) process.stdout.write(`\nfailed: ${name}\n  ${message}\n`)
    for (const error of errors) process.stdout.write(`\n${error.stack ?? error.message}\n`)
  }

  text() {
    const columns = [...new Set(this.rows.flatMap(({ cells }) => cells.map(({ column }) => column)))]
    const letters = columns.map((_, position) => String.fromCodePoint(65 + position))
    const cells = this.rows.flatMap(({ cells: all, file }) => all.map((cell) => ({ ...cell, file })))
    const excused = cells.filter(isExcused)
    const reasons = [...new Set(excused.map(({ exception }) => exception))]
    const wide = Math.max(0, ...this.rows.map(({ file }) => file.length))
    return [
      ...columns.map((column, position) => `${letters[position]}  ${column}`),
      "",
      `${"".padEnd(wide)}  ${letters.map((letter) => letter.padEnd(2)).join("  ")}`,
      ...this.rows.map(({ cells: all, file }) =>
        [file.padEnd(wide), ...columns.map((column) => markOf(all, column, reasons).padEnd(2))].join("  ").trimEnd()
      ),
      "",
      "+ accepted, or an error as it should be   - not   1, 2, ... an exception   (blank) not asked",
      `${this.rows.length} cases, ${cells.length} answers: ${cells.filter(isGood).length} +, ` +
        `${cells.filter(isWrong).length} -, ${excused.length} exceptions`,
      ...columns.map((column) => {
        const own = cells.filter((cell) => cell.column === column)
        return `  ${column}: ${own.filter(isGood).length} of ${own.length}`
      }),
      ...Object.entries(this.unserved).map(([dialect, count]) => `not served: ${dialect} (${count} cases)`),
      ...section(
        "Exceptions",
        reasons.map((reason, position) => `${position + 1}  ${reason}`)
      ),
      ...section(
        "Wrong",
        this.rows
          .filter(({ cells: all }) => all.some(isWrong))
          .map(({ cells: all, file }) =>
            [file, ...all.filter(isWrong).map(({ column, wrong }) => `  ${column}: ${wrong}`)].join("\n  ")
          )
      )
    ].join("\n")
  }
}

const isGood = ({ wrong }) => wrong === undefined
const isExcused = ({ exception, wrong }) => wrong !== undefined && exception !== undefined
const isWrong = ({ exception, wrong }) => wrong !== undefined && exception === undefined

const markOf = (cells, column, reasons) => {
  const own = cells.filter((cell) => cell.column === column)
  if (own.length === 0) return ""
  if (own.some(isWrong)) return "-"
  const excused = own.find(isExcused)
  return excused === undefined ? "+" : String(reasons.indexOf(excused.exception) + 1)
}

const section = (title, lines) => (lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)])
