import { defineConfig } from 'vitest/config'

const source = { conditions: ['@berth/source'], externalConditions: ['@berth/source'] }

export default defineConfig({
  ssr: { resolve: source },
  test: {
    pool: 'forks',
    // Most of a test is waiting for processes, so one on each core of a small machine; more would starve each other.
    maxWorkers: 2,
    projects: [
      {
        ssr: { resolve: source },
        test: {
          name: 'unit',
          include: ['{packages,services}/*/src/**/*.test.ts', '.ci/**/*.test.ts', 'deploy/**/*.test.ts'],
          exclude: ['**/*.int.test.ts', '**/node_modules/**'],
          testTimeout: 20_000,
        },
      },
      {
        ssr: { resolve: source },
        test: {
          name: 'integration',
          include: ['{packages,services}/*/src/**/*.int.test.ts', 'deploy/**/*.int.test.ts'],
          exclude: ['**/node_modules/**'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
