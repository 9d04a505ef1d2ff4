import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createPatience } from './patience.ts'

const never = new Promise<never>(() => undefined)

describe('patience with Postgres', () => {
  it('hands on what the work brings, and what it throws', async () => {
    const patient = createPatience(() => never)
    await expect(patient(Promise.resolve(7))).resolves.toBe(7)
    await expect(patient(Promise.reject(new Error('no')))).rejects.toThrow('no')
  })

  it('waits for slow work as long as the probe is answered', async () => {
    const patient = createPatience(async () => undefined)
    await expect(patient(sleep(1_200, 'slow'))).resolves.toBe('slow')
  })

  it('gives up when the probe is not answered, and nobody else is either', async () => {
    const patient = createPatience(() => Promise.reject(new Error('frozen')))
    await expect(patient(never)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  it('needs no probe while others are answered', async () => {
    const patient = createPatience(() => Promise.reject(new Error('too slow')))
    let stopped = false
    const others = (async () => {
      while (!stopped) await patient(sleep(50))
    })()
    await expect(patient(sleep(1_200, 'slow'))).resolves.toBe('slow')
    stopped = true
    await others
  })
})
