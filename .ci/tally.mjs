// Adds up the results of the test runs. A skipped test, a run without results and a step that failed although no
// test in it did each count as failed.
import { readFileSync } from 'node:fs'

const [failedSteps, ...files] = process.argv.slice(2)
let passed = 0
let failed = 0
for (const file of files) {
  try {
    const result = JSON.parse(readFileSync(file, 'utf8'))
    passed += result.numPassedTests
    failed += result.numTotalTests - result.numPassedTests
    // A file that could not even be loaded has no tests to fail.
    failed += result.testResults.filter((each) => each.status === 'failed' && each.assertionResults.length === 0).length
  } catch {
    console.log(`no results in ${file}`)
    failed++
  }
}
if (failed === 0) failed = Number(failedSteps)
if (failed === 0 && passed === 0) failed = 1
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
