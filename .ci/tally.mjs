// Adds up the results of the test runs: `node .ci/tally.mjs FAILED_STEPS RUN AGAIN [RUN AGAIN …]`. A skipped test, a
// run without results and a step that failed although no test says why each count as failed. What failed in a run
// and passed when its file was run again by itself is named as unsteady, with what it said, and counts as passed.
import { readResults } from './results.mjs'

const [failedSteps, ...paths] = process.argv.slice(2)
let passed = 0
let failed = 0
let unsteady = 0

const tell = (verdict, file, name, message) =>
  console.log(`\n${verdict}: ${file} > ${name}\n${message.slice(0, 2_000)}`)

for (let at = 0; at < paths.length; at += 2) {
  const first = readResults(paths[at])
  const again = readResults(paths[at + 1]) ?? []
  if (!first) {
    console.log(`no results in ${paths[at]}`)
    failed++
    continue
  }
  for (const file of first) {
    const second = again.find(({ name }) => name === file.name)
    if (file.couldNotLoad && !second?.tests.length) {
      tell('failed', file.name, 'could not be loaded', file.message)
      failed++
    }
    const tests = file.couldNotLoad ? (second?.tests ?? []) : file.tests
    for (const test of tests) {
      if (test.passed) passed++
      else if (second?.tests.some(({ name, passed: later }) => name === test.name && later)) {
        tell('unsteady', file.name, test.name, test.message)
        unsteady++
        passed++
      } else {
        tell('failed', file.name, test.name, test.message)
        failed++
      }
    }
  }
}
if (unsteady > 0) console.log(`\n${unsteady} unsteady: failed at first, passed alone`)
if (failed === 0) failed = Number(failedSteps)
if (failed === 0 && passed === 0) failed = 1
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
