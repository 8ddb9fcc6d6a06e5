/**
 * `node scripts/sum.mjs DIR [STEP..]`: adds up vitest's reports `DIR/<step>.json` and prints `N passed, N failed`.
 * The steps are those that failed; one whose report shows no failure (it crashed, or is no test run) counts as one.
 */
import * as fs from "node:fs"
import * as path from "node:path"

const [directory, ...failedSteps] = process.argv.slice(2)
const reports = fs.readdirSync(directory).flatMap(reportOf)

function reportOf(file) {
  try {
    const { numPassedTests, testResults } = JSON.parse(fs.readFileSync(path.join(directory, file), "utf8"))
    const failed = testResults.flatMap(failuresOf).length
    return [{ step: path.basename(file, ".json"), passed: numPassedTests, failed }]
  } catch {
    // Cut off while it was written: then the step failed too, and counts as such.
    return []
  }
}

/** A file that failed without a failed test could not be loaded, or a hook failed. */
function failuresOf({ status, assertionResults }) {
  const failures = assertionResults.filter((test) => test.status === "failed")
  return failures.length === 0 && status === "failed" ? [status] : failures
}

const total = (key) => reports.reduce((sum, report) => sum + report[key], 0)
const unexplained = failedSteps.filter((step) => !reports.some((report) => report.step === step && report.failed > 0))
const failed = total("failed") + unexplained.length

if (failedSteps.length > 0) process.stdout.write(`failed: ${failedSteps.join(", ")}\n`)
process.stdout.write(`${total("passed")} passed, ${failed} failed\n`)
process.exitCode = failed > 0 ? 1 : 0
