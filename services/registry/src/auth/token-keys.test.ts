import { silentLogger } from '@berth/runtime'
import { describe, expect, it, vi } from 'vitest'
import { tokenKeys } from './token-keys.ts'

const key = { kid: 'a', kty: 'EC', alg: 'ES256', use: 'sig' as const }

describe('the keys of the token service', () => {
  it('are asked for at once and again, and the last ones stay good', async () => {
    const ask = vi.fn(async () => [key])
    const keys = tokenKeys(ask, silentLogger)
    expect(ask).toHaveBeenCalledTimes(1)
    expect(await keys()).toEqual([key])
    ask.mockRejectedValue(new Error('away'))
    expect(await keys()).toEqual([key])
    ask.mockResolvedValue([{ ...key, kid: 'b' }])
    expect(await keys()).toEqual([{ ...key, kid: 'b' }])
  })

  it('are said to be missing as long as there are none', async () => {
    const warn = vi.fn()
    const keys = tokenKeys(() => Promise.reject(new Error('away')), { ...silentLogger, warn })
    await expect(keys()).rejects.toThrow('away')
    expect(warn).toHaveBeenCalledTimes(1)
  })
})
