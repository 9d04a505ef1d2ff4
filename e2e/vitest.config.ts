import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import type { Reporter } from 'vitest/node'
import { proofReporter } from './src/proof/reporter.ts'

const source = { conditions: ['@berth/source'], externalConditions: ['@berth/source'] }
const report = process.env.BERTH_E2E_REPORT
const figures = process.env.BERTH_E2E_FIGURES ?? join(tmpdir(), `berth-e2e-figures-${process.pid}.jsonl`)

export default defineConfig(({ mode }) => {
  const long = mode === 'long'
  const proof: Reporter[] = long ? [proofReporter(figures)] : []
  return {
    root: import.meta.dirname,
    ssr: { resolve: source },
    test: {
      name: 'e2e',
      include: long ? ['journeys/**/*.test.ts'] : ['journeys/*.test.ts'],
      globalSetup: ['src/global-setup.ts'],
      env: long ? { BERTH_E2E_LONG: '1', BERTH_E2E_FIGURES: figures } : {},
      pool: 'forks',
      fileParallelism: false,
      testTimeout: 900_000,
      hookTimeout: 400_000,
      teardownTimeout: 60_000,
      reporters: report ? ['default', ['json', { outputFile: report }], ...proof] : ['default', ...proof],
    },
  }
})
