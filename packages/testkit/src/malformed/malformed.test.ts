import { describe, expect, it } from 'vitest'
import { whatIsWrong } from './check-answer.ts'
import { malformedRequest } from './malformed-request.ts'
import { seeded } from './seeded.ts'

const known = {
  repository: 'library/app',
  tag: '1',
  contents: [Buffer.from('{}')],
  digests: [`sha256:${'0'.repeat(64)}`],
  sessions: ['/v2/library/app/blobs/uploads/x'],
}
const requests = (seed: number) => Array.from({ length: 300 }, (_, i) => malformedRequest(seeded(seed + i), known))

describe('malformed requests', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(requests(1)).toEqual(requests(1))
    expect(requests(1)).not.toEqual(requests(1_000_000))
  })

  it('stay one request: no line ends in the middle of one', () => {
    for (const { method, target, headers } of requests(5)) {
      expect([method, target, ...headers.flat()].join('')).not.toMatch(/[\r\n]/)
      expect(target).not.toMatch(/\s/)
    }
  })
})

describe('an answer', () => {
  const [request] = requests(1)
  if (request === undefined) throw new Error('no request')
  const error = (status: number, body: string, type = 'application/json; charset=utf-8') =>
    whatIsWrong(
      { ...request, method: 'GET', isTorn: false },
      {
        status,
        headers: new Map([
          ['content-type', type],
          ['content-length', String(body.length)],
        ]),
        body: Buffer.from(body),
      },
    )
  const well = JSON.stringify({ errors: [{ code: 'NAME_INVALID', message: 'invalid' }] })

  it('is right when it is an error of the API', () => {
    expect(error(400, well)).toBeUndefined()
    expect(error(404, well)).toBeUndefined()
  })

  it('is wrong when it fails, says nothing, or says it in words of its own', () => {
    expect(error(500, well)).toBe('status 500')
    expect(error(400, well, 'text/html')).toMatch(/type text\/html/)
    expect(error(400, '{}')).toMatch(/shape/)
    expect(error(400, '<html>')).toMatch(/shape/)
    expect(error(400, well.replace('NAME_INVALID', 'OOPS'))).toMatch(/OOPS/)
    expect(whatIsWrong({ ...request, isTorn: false }, undefined)).toBe('no answer')
  })
})
