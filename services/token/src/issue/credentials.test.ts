import { Unauthorized } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { credentialsOf } from './credentials.ts'

const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })

describe('credentials', () => {
  it('are a name and a password, which may hold colons and any letter', () => {
    expect(credentialsOf(basic('robot$ci+x:pä:ss'))).toEqual({
      kind: 'basic',
      username: 'robot$ci+x',
      password: 'pä:ss',
    })
    expect(credentialsOf({ authorization: basic('a:b').authorization.replace('Basic', 'bAsIc') })).toMatchObject({
      username: 'a',
    })
  })

  it('are the session of a browser, which a header goes before', () => {
    expect(credentialsOf({ cookie: 'a=b; sid=s%3Ax.y; c=d' })).toEqual({ kind: 'session', sid: 's:x.y' })
    expect(credentialsOf({ cookie: 'sid=s%3Ax.y', ...basic('a:b') })).toMatchObject({ kind: 'basic' })
  })

  it('are an ID token of a provider, which core judges', () => {
    expect(credentialsOf({ authorization: 'Bearer eyJh.eyJi.c_-1' })).toEqual({
      kind: 'bearer',
      token: 'eyJh.eyJi.c_-1',
    })
  })

  it('are those of nobody when there are none', () => {
    expect(credentialsOf({})).toEqual({ kind: 'anonymous' })
    expect(credentialsOf({ cookie: 'theme=dark; xsid=1; sid=' })).toEqual({ kind: 'anonymous' })
  })

  it.each([
    ['Bearer eyJhbGciOiJub25lIn0.e30.'],
    ['Basic'],
    ['Basic !!!'],
    [basic('no colon').authorization],
    [basic(':only a password').authorization],
    [basic(`${'x'.repeat(600)}:y`).authorization],
    [''],
  ])('that cannot be read are never taken for those of nobody: %s', (authorization) => {
    expect(() => credentialsOf({ authorization })).toThrow(Unauthorized)
  })
})
