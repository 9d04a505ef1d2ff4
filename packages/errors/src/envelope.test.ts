import { describe, expect, it } from 'vitest'
import { Conflict, fromWire, toErrorBody, Unavailable } from './index.ts'

describe('the error body', () => {
  it('says a domain error as it is', () => {
    expect(toErrorBody(new Conflict('project exists', { detail: { name: 'a' } }))).toEqual({
      status: 409,
      body: { errors: [{ code: 'CONFLICT', message: 'project exists', detail: { name: 'a' } }] },
      retryAfterSeconds: undefined,
    })
  })

  it('hides what an unexpected error says', () => {
    const { status, body } = toErrorBody(new Error('password=hunter2'))
    expect(status).toBe(500)
    expect(JSON.stringify(body)).not.toContain('hunter2')
  })

  it('tells when to come back', () => {
    expect(toErrorBody(new Unavailable('core cannot be reached')).retryAfterSeconds).toBe(5)
  })

  it('brings an error over the wire with its code', () => {
    expect(toErrorBody(fromWire({ code: 'NAME_UNKNOWN', message: 'no such repository' })).status).toBe(404)
    expect(toErrorBody(fromWire({ code: 'SOMETHING_NEW', message: 'x' })).status).toBe(500)
  })
})
