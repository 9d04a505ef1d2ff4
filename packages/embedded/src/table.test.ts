import { expect, it } from 'vitest'
import { renderTable } from './table.ts'

it('aligns every column with its widest cell', () => {
  expect(
    renderTable(
      ['a', 'bb'],
      [
        ['long', 'x'],
        ['', 'y'],
      ],
    ),
  ).toBe('a     bb\nlong  x\n      y')
})
