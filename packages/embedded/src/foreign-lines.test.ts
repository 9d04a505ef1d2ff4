import { describe, expect, it } from 'vitest'
import { natsLines, postgresLines } from './foreign-lines.ts'

function heard(make: typeof postgresLines, lines: readonly string[]): unknown[][] {
  const said: unknown[][] = []
  const hear = make((...line) => said.push(line))
  for (const line of lines) hear(line)
  return said
}

describe('lines of Postgres', () => {
  it('keep their severity', () => {
    expect(
      heard(postgresLines, [
        'LOG:  database system is ready to accept connections',
        'ERROR:  duplicate key value',
        'DETAIL:  Key (id)=(1) already exists.',
        'PANIC:  could not write',
        '\tcontinued',
        '',
      ]),
    ).toEqual([
      ['info', 'database system is ready to accept connections', {}],
      ['warn', 'duplicate key value', { severity: 'ERROR' }],
      ['info', 'Key (id)=(1) already exists.', { about: 'detail' }],
      ['error', 'could not write', { severity: 'PANIC' }],
      ['info', 'continued'],
    ])
  })
})

describe('lines of nats-server', () => {
  it('keep their level and lose the banner', () => {
    expect(
      heard(natsLines, [
        '[12] [INF] Server is ready',
        '[12] [INF]   Version:  2.14.0',
        '[12] [WRN] Plaintext passwords detected, use nkeys or bcrypt',
        '[12] [INF]     _ ___ _____ ___ _____ ___ ___   _   __  __',
        '[12] [INF]  \\__/|___| |_| |___/ |_| |_|_\\___/_/ \\_\\_|  |_|',
        '[12] [INF]          https://docs.nats.io/jetstream',
        '[12] [INF] ---------------- JETSTREAM ----------------',
        '[12] [ERR] 127.0.0.1:4 - authentication error - User "x"',
        'nats-server: no such file',
      ]),
    ).toEqual([
      ['info', 'Server is ready'],
      ['debug', 'Version:  2.14.0'],
      ['error', '127.0.0.1:4 - authentication error - User "x"'],
      ['info', 'nats-server: no such file'],
    ])
  })
})
