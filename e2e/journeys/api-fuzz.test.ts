import { afterAll, beforeAll, expect, it } from 'vitest'
import { figure } from '../src/figures.ts'
import { complaintsIn, fillForFuzz, fuzzApi } from '../src/fuzz.ts'
import { openScratch, removeScratch } from '../src/scratch.ts'
import { type Suite, startSuite } from '../src/suite.ts'
import { openSchemathesis } from '../tools/schemathesis.ts'

const LONG = process.env.BERTH_E2E_LONG === '1'
const SECONDS = Number(process.env.BERTH_E2E_FUZZ_SECONDS ?? (LONG ? 900 : 60))
const SEED = Number(process.env.BERTH_E2E_FUZZ_SEED ?? (LONG ? Date.now() % 1_000_000 : 4))

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

it('what a fuzzer makes of the document is answered as the document says', async () => {
  const python = await openSchemathesis()
  const { isClean, calls, output } = await fuzzApi(suite, { python, home, seconds: SECONDS, seed: SEED })
  await figure('calls a fuzzer made of the document', { seconds: SECONDS, seed: SEED, calls })
  expect(isClean, `seed ${SEED}\n${complaintsIn(output)}`).toBe(true)
}, 1_800_000)
