import { Readable, Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openTerminal, type World } from './terminal.ts'

const GREEN = '\u001b[32mwell\u001b[39m'

function world(isTTY: boolean, env: NodeJS.ProcessEnv = {}): World {
  const stdout = Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), {
    isTTY,
    getColorDepth: () => 24,
  })
  return { env, cwd: '/', stdin: Readable.from([]), stdout, stderr: stdout, stop: new AbortController().signal }
}

describe('colour', () => {
  beforeEach(() => {
    for (const name of ['FORCE_COLOR', 'NO_COLOR', 'NODE_DISABLE_COLORS']) vi.stubEnv(name, undefined)
  })
  afterEach(() => vi.unstubAllEnvs())

  it('is for terminals', () => {
    expect(openTerminal(world(true), 'table').paint('green', 'well')).toBe(GREEN)
    expect(openTerminal(world(false), 'table').paint('green', 'well')).toBe('well')
  })

  it('is left out where NO_COLOR says so', () => {
    expect(openTerminal(world(true, { NO_COLOR: '1' }), 'table').paint('green', 'well')).toBe('well')
  })
})
