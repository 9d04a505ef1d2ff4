import { defineConfig } from 'vitest/config'

const source = { conditions: ['@berth/source'], externalConditions: ['@berth/source'] }
const report = process.env.BERTH_E2E_REPORT

export default defineConfig(({ mode }) => ({
  root: import.meta.dirname,
  ssr: { resolve: source },
  test: {
    name: 'e2e',
    include: mode === 'long' ? ['journeys/**/*.test.ts'] : ['journeys/*.test.ts'],
    globalSetup: ['src/global-setup.ts'],
    env: mode === 'long' ? { BERTH_E2E_LONG: '1' } : {},
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 900_000,
    hookTimeout: 400_000,
    teardownTimeout: 60_000,
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
  },
}))
