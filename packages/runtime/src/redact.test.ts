import { describe, expect, it } from 'vitest'
import { redact, redactText, serialiseError } from './redact.ts'

describe('what a log may not keep', () => {
  it('is taken out by the name of its field, however deep', () => {
    const line = {
      user: 'a',
      password: 'x',
      nested: {
        authorization: 'Bearer y',
        robotSecret: 'z',
        list: [{ api_key: 'k' }, { pass: 'p' }, { secretKey: 's' }],
      },
    }
    const text = JSON.stringify(redact(line))
    for (const secret of ['"x"', 'Bearer y', '"z"', '"k"', '"p"', '"s"']) expect(text).not.toContain(secret)
    expect(text).toContain('"user":"a"')
  })

  it.each([
    ['Authorization: Basic YWRtaW46SGFyYm9yMTIzNDU='],
    ['got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJl from a client'],
    ['connect postgres://berth:YWRtaW46SGFyYm9yMTIzNDU@db/berth'],
  ])('is taken out by its look: %s', (text) => {
    expect(redactText(text)).toContain('[redacted]')
    expect(redactText(text)).not.toMatch(/YWRtaW46|c2lnbmF0dXJl/)
  })

  it('is taken out of errors and their causes', () => {
    const err = new Error('outer', { cause: new Error('nats://core:hunter22@host failed') })
    const kept = serialiseError(err) as { stack: string; cause: { message: string } }
    expect(kept.cause.message).toBe('nats://core:[redacted]@host failed')
    expect(kept.stack).toContain('redact.test.ts')
    expect(JSON.stringify(kept)).not.toContain('hunter22')
  })

  it('does not grow without end', () => {
    const ring: Record<string, unknown> = {}
    ring.self = ring
    expect(JSON.stringify(redact(ring)).length).toBeLessThan(200)
    expect(redactText('x'.repeat(100_000)).length).toBeLessThan(9_000)
  })
})
