import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { expect, it } from 'vitest'
import { createOutput } from './output.ts'

function fakeStream(isTTY: boolean): { stream: NodeJS.WriteStream; text: () => string } {
  const through = Object.assign(new PassThrough({ highWaterMark: 1 }), { isTTY })
  return { stream: through as unknown as NodeJS.WriteStream, text: () => String(through.read() ?? '') }
}

const LINE =
  '{"timestamp":"2026-11-20T08:00:01.000Z","level":"warn","service":"core","message":"hot\\u001b[2J","instance":"a","n":1}'

it('passes lines of parts as they are where no terminal is', async () => {
  const { stream, text } = fakeStream(false)
  createOutput(stream, 8).part('core', LINE)
  await turn()
  expect(text()).toBe(`${LINE}\n`)
})

it('shows name, time, level, message and fields on a terminal, and lets nothing steer it', async () => {
  const { stream, text } = fakeStream(true)
  createOutput(stream, 8).part('core', LINE)
  await turn()
  const shown = text()
  expect(stripVTControlCharacters(shown)).toBe('core     │ 08:00:01 warn  hot [2J n=1\n')
  expect(shown).not.toContain('\u001b[2J')
})

it('does not gather lines without end when nobody reads them', async () => {
  const { stream, text } = fakeStream(false)
  const output = createOutput(stream, 8)
  const line = 'x'.repeat(1024)
  for (let times = 0; times < 3_000; times++) output.say(line)
  expect(stream.writableLength).toBeLessThan(1.1 * 1024 * 1024)
  await turn()
  while (text() !== '');
  output.say('last')
  await turn()
  expect(text()).toMatch(/^\(\d+ lines were not read and are left out\)\n(last\n)?$/)
})
