// Reads what the test runs wrote (vitest's JSON), for `.ci/run` and its tally.
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

/** Every test of a run with the file it stands in; undefined where the run left no results. */
export const readResults = (path) => {
  try {
    const { testResults } = JSON.parse(readFileSync(path, 'utf8'))
    return testResults.map((file) => ({
      name: relative(process.cwd(), file.name),
      // A file that could not even be loaded has no tests that fail.
      couldNotLoad: file.status === 'failed' && file.assertionResults.length === 0,
      message: file.message ?? '',
      tests: file.assertionResults.map(({ fullName, status, failureMessages }) => ({
        name: fullName,
        passed: status === 'passed',
        message: (failureMessages ?? []).join('\n'),
      })),
    }))
  } catch {
    return undefined
  }
}

/** The files in which something did not pass. */
export const failedFiles = (files) =>
  files.filter((file) => file.couldNotLoad || file.tests.some(({ passed }) => !passed))

// `node .ci/results.mjs FILE` prints the names of the files that failed, a line each.
if (process.argv[1] === import.meta.filename) {
  for (const { name } of failedFiles(readResults(process.argv[2]) ?? [])) console.log(name)
}
