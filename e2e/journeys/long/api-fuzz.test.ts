import { afterAll, beforeAll, expect, it } from 'vitest'
import { figure } from '../../src/figures.ts'
import { fillForFuzz, fuzzApi } from '../../src/fuzz.ts'
import { openScratch, removeScratch } from '../../src/scratch.ts'
import { type Suite, startSuite } from '../../src/suite.ts'
import { openSchemathesis } from '../../tools/schemathesis.ts'

const SECONDS = Number(process.env.BERTH_E2E_FUZZ_SECONDS ?? 900)
const SEED = Number(process.env.BERTH_E2E_FUZZ_SEED ?? Date.now() % 1_000_000)

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

it('a quarter of an hour of what a fuzzer makes of the document sees no failure of ours and nothing undescribed', async () => {
  const python = await openSchemathesis()
  const { isClean, calls, output } = await fuzzApi(suite, { python, home, seconds: SECONDS, seed: SEED })
  await figure('calls a fuzzer made of the document', { seconds: SECONDS, seed: SEED, calls })
  expect(
    isClean,
    `seed ${SEED}
${output.slice(-30_000)}`,
  ).toBe(true)
}, 1_800_000)
