import { describe, expect, it } from 'vitest'
import { contextOf, withContext } from './context.ts'
import { createLogger } from './log.ts'

function logged(write: (log: ReturnType<typeof createLogger>) => void) {
  const lines: Record<string, unknown>[] = []
  const log = createLogger({ service: 'sample', level: 'info', replica: 1 })
  log.addSink(({ json, service, level }) => lines.push({ ...JSON.parse(json), sinkService: service, sinkLevel: level }))
  write(log)
  return lines
}

describe('a log line', () => {
  it('has time, level, service, instance, number, sentence and fields', () => {
    const [line] = logged((log) => log.warn('scan failed, will retry', { attempt: 2 }))
    expect(line).toMatchObject({
      level: 'warn',
      service: 'sample',
      replica: 1,
      seq: 1,
      message: 'scan failed, will retry',
      attempt: 2,
    })
    expect(line).toMatchObject({ sinkService: 'sample', sinkLevel: 'warn' })
    expect(Date.parse(String(line?.timestamp))).not.toBeNaN()
  })

  it('carries the id of the request it was written for', () => {
    const [line] = logged((log) => withContext(contextOf({ requestId: 'r-1' }), () => log.info('x')))
    expect(line?.requestId).toBe('r-1')
  })

  it('is counted without a gap, and the quieter ones are not counted at all', () => {
    const lines = logged((log) => {
      log.info('one')
      log.debug('unheard')
      log.error('two')
    })
    expect(lines.map((line) => line.seq)).toEqual([1, 2])
  })

  it('writes an error with its stack and without its secrets', () => {
    const err = Object.assign(new Error('cannot reach nats://core:hunter22@h'), { code: 'ECONNREFUSED' })
    const [line] = logged((log) => log.error('could not run', { err, password: 'hunter22' }))
    expect(line).toMatchObject({ err: { name: 'Error', code: 'ECONNREFUSED' }, password: '[redacted]' })
    expect(JSON.stringify(line)).not.toContain('hunter22')
  })

  it('cannot be made to pass for another service by a field', () => {
    const [line] = logged((log) => log.info('x', { message: 'y', level: 'error', service: 'core', seq: 9 }))
    expect(line).toMatchObject({ service: 'sample', level: 'info', message: 'x', seq: 1 })
  })
})
