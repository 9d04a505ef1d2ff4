import { TooManyRequests } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { createAttempts } from './attempts.ts'

describe('wrong passwords', () => {
  function setUp(limits: { perAccount?: number; perAddress?: number } = {}) {
    const clock = { ms: 1_000_000 }
    const attempts = createAttempts({ perAccount: 3, perAddress: 5, ...limits, now: () => clock.ms })
    let looked = 0
    const guess = (username: string, password: string, address: string | undefined = '192.0.2.1') =>
      attempts.guard({ username, password, address }, async () => {
        looked++
        return password === 'right' ? username : undefined
      })
    return { attempts, clock, guess, looked: () => looked }
  }
  const refused = (work: Promise<unknown>) => expect(work).rejects.toThrow(TooManyRequests)

  it('are counted by account, whether there is one or not, and tell when to come back', async () => {
    const { guess, clock, looked } = setUp()
    for (const password of ['a', 'b', 'c']) expect(await guess('ann', password)).toBeUndefined()
    const refusal = await guess('ann', 'right').catch((err: TooManyRequests) => err)
    expect(refusal).toMatchObject({ code: 'TOO_MANY_REQUEST', retryAfterSeconds: 300 })
    expect(looked()).toBe(3)
    expect(await guess('bob', 'right')).toBe('bob')
    clock.ms += 299_000
    await refused(guess('ann', 'right'))
    clock.ms += 1_000
    expect(await guess('ann', 'right')).toBe('ann')
  })

  it('are counted once for all ways to write a name, which a directory takes for one', async () => {
    const { guess } = setUp()
    for (const name of ['ann', 'ANN', ' aNN ']) await guess(name, 'wrong')
    await refused(guess('Ann', 'right', '192.0.2.2'))
    for (const name of ['jose', 'Jos\u00e9', 'jose\u0301']) await guess(name, 'wrong', '192.0.2.3')
    await refused(guess('jo\u00adse', 'right', '192.0.2.2'))
  })

  it('are counted by address, whatever the account', async () => {
    const { guess, clock } = setUp()
    for (const name of ['a', 'b', 'c', 'd', 'e']) await guess(name, 'wrong')
    await refused(guess('f', 'right'))
    expect(await guess('f', 'right', '192.0.2.2')).toBe('f')
    clock.ms += 60_000
    expect(await guess('f', 'right')).toBe('f')
  })

  it('take one network of IPv6 for one address', async () => {
    const { guess } = setUp()
    const addresses = ['2001:db8:0:1::1', '2001:db8::1:2:3:4:5', '2001:0db8:0000:0001::9', '2001:db8:0:1:f::']
    for (const [at, address] of addresses.entries()) await guess(`user${at}`, 'wrong', address)
    await guess('e', 'wrong', '2001:db8:0:1:1:1:1:1')
    await refused(guess('f', 'right', '2001:db8:0:1::77'))
    expect(await guess('f', 'right', '2001:db8:0:2::1')).toBe('f')
    expect(await guess('f', 'right', '::1')).toBe('f')
  })

  it('that come again count once, until even that is too often', async () => {
    const { guess, looked } = setUp()
    for (let times = 0; times < 30; times++) expect(await guess('ann', 'old')).toBeUndefined()
    await refused(guess('ann', 'old'))
    expect(looked()).toBe(30)
    expect(await guess('ann', 'right')).toBe('ann')
  })

  it('of strangers do not keep out who signed in from where they are', async () => {
    const { guess } = setUp()
    expect(await guess('ann', 'right', '192.0.2.9')).toBe('ann')
    for (const password of ['a', 'b', 'c']) await guess('ann', password)
    await refused(guess('ann', 'right'))
    expect(await guess('ann', 'right', '192.0.2.9')).toBe('ann')
    for (const password of ['a', 'b', 'c']) await guess('ann', password, '192.0.2.9')
    await refused(guess('ann', 'right', '192.0.2.9'))
  })

  it('sent all at once are no more than those sent in turn', async () => {
    const { guess, looked } = setUp()
    const passwords = Array.from({ length: 20 }, (_, at) => `guess ${at}`)
    const results = await Promise.allSettled(passwords.map((password) => guess('ann', password)))
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(17)
    expect(looked()).toBe(3)
  })

  it('are none when the check itself failed', async () => {
    const { attempts, guess } = setUp()
    for (let times = 0; times < 10; times++) {
      const attempt = { username: 'ann', password: `${times}`, address: '192.0.2.1' }
      await expect(attempts.guard(attempt, () => Promise.reject(new Error('away')))).rejects.toThrow('away')
    }
    expect(await guess('ann', 'right')).toBe('ann')
  })

  it('of robots and tokens cost the address alone', async () => {
    const { attempts, guess } = setUp()
    for (const password of ['a', 'b', 'c', 'd', 'e']) {
      attempts.wrongSecret({ username: 'robot$ci', password, address: '192.0.2.1' })
    }
    await refused(guess('ann', 'right'))
    expect(await guess('robot$ci', 'right', '192.0.2.2')).toBe('robot$ci')
  })

  it('may be any number where that is set', async () => {
    const { guess } = setUp({ perAccount: 0, perAddress: 0 })
    for (let times = 0; times < 40; times++) await guess('ann', `wrong ${times}`)
    expect(await guess('ann', 'right')).toBe('ann')
  })
})
