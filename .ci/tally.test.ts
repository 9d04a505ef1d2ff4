import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const HERE = import.meta.dirname
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-tally-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const run = (name: string, files: Record<string, Record<string, 'passed' | 'failed' | 'skipped'>>): string => {
  const path = join(folder, name)
  const testResults = Object.entries(files).map(([file, tests]) => ({
    name: join(process.cwd(), file),
    status:
      Object.values(tests).every((status) => status === 'passed') && Object.keys(tests).length > 0
        ? 'passed'
        : 'failed',
    assertionResults: Object.entries(tests).map(([fullName, status]) => ({
      fullName,
      status,
      failureMessages: ['why'],
    })),
  }))
  writeFileSync(path, JSON.stringify({ testResults }))
  return path
}
const missing = () => join(folder, 'missing.json')
const tally = (failedSteps: number, ...paths: string[]) => {
  const { stdout, status } = spawnSync('node', [join(HERE, 'tally.mjs'), String(failedSteps), ...paths], {
    encoding: 'utf8',
  })
  const lines = stdout.trimEnd().split('\n')
  return { last: lines.at(-1), stdout, status }
}

test('a run in which all passed', () => {
  const path = run('a.json', { 'a.test.ts': { one: 'passed', two: 'passed' } })
  expect(tally(0, path, missing())).toMatchObject({ last: '2 passed, 0 failed', status: 0 })
})

test('a test that fails twice, a skipped one and a file that cannot be loaded are failures', () => {
  const files = { 'a.test.ts': { one: 'failed', two: 'skipped' }, 'b.test.ts': {} } as const
  const result = tally(0, run('a.json', files), run('again.json', files))
  expect(result).toMatchObject({ last: '0 passed, 3 failed', status: 1 })
  expect(result.stdout).toContain('failed: a.test.ts > one\nwhy')
})

test('a test that passes when its file is run again is named, and counts as passed', () => {
  const first = run('a.json', { 'a.test.ts': { one: 'failed', two: 'passed' } })
  const result = tally(0, first, run('again.json', { 'a.test.ts': { one: 'passed', two: 'failed' } }))
  expect(result).toMatchObject({ last: '2 passed, 0 failed', status: 0 })
  expect(result.stdout).toContain('unsteady: a.test.ts > one\nwhy')
})

test('no results, nothing that passed, and a step that failed without a test are failures', () => {
  expect(tally(0, missing(), missing())).toMatchObject({ last: '0 passed, 1 failed', status: 1 })
  expect(tally(0, run('a.json', {}), missing())).toMatchObject({ last: '0 passed, 1 failed', status: 1 })
  const passed = run('b.json', { 'a.test.ts': { one: 'passed' } })
  expect(tally(1, passed, missing())).toMatchObject({ last: '1 passed, 1 failed', status: 1 })
})

test('the files to run again are those in which something did not pass', () => {
  const path = run('a.json', { 'a.test.ts': { one: 'failed' }, 'b.test.ts': { one: 'passed' }, 'c.test.ts': {} })
  expect(execFileSync('node', [join(HERE, 'results.mjs'), path], { encoding: 'utf8' })).toBe('a.test.ts\nc.test.ts\n')
})
