import { expect, it } from 'vitest'
import { nearest } from './nearest.ts'

it('finds the candidate with the fewest edits', () => {
  expect(nearest('BERTH_DAT', ['BERTH_BIND', 'BERTH_DATA', 'DATABASE_URL'])).toBe('BERTH_DATA')
})
