import { expect, it } from 'vitest'
import { createLastWords } from './last-words.ts'

function heard(...lines: string[]): string {
  const words = createLastWords()
  for (const line of lines) words.hear(line)
  return words.text
}

it('is the error a service logged', () => {
  const line = JSON.stringify({ level: 'error', message: 'could not run', err: { message: 'no such table' } })
  expect(heard(line, '{"level":"info","message":"stopped"}')).toBe('could not run: no such table')
})

it('is what a service refused', () => {
  expect(heard('berth: NATS_URL is not set')).toBe('NATS_URL is not set')
})

it('is the exception Node died of, not the stack after it', () => {
  expect(heard('file.ts:3', 'TypeError: x is no function', '    at file.ts:3', '', 'Node.js v24.21.0')).toBe(
    'TypeError: x is no function',
  )
})

it('is the last line when nothing better was said', () => {
  expect(heard('one', 'two')).toBe('two')
  expect(heard()).toBe('it ended without a word')
})
