import { afterAll, beforeAll, expect, it } from 'vitest'
import { fillForFuzz, fuzzApi } from '../src/fuzz.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { openSchemathesis } from '../tools/schemathesis.ts'

const SECONDS = 60
const SEED = 4

let home: string
let suite: Suite

beforeAll(async () => {
  home = await openScratch()
  suite = await startSuite()
  await fillForFuzz(suite)
})
afterAll(async () => {
  await suite?.stop()
  await removeScratch(home)
})

it('what a fuzzer makes of the document for a minute is answered as the document says', async () => {
  const python = await openSchemathesis()
  const { isClean, output } = await fuzzApi(suite, { python, home, seconds: SECONDS, seed: SEED })
  expect(isClean, output.slice(-20_000)).toBe(true)
})
