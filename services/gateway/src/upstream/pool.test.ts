import { describe, expect, it } from 'vitest'
import { createPool } from './pool.ts'

const pool = (count: number, prefix = 'registry') =>
  createPool(
    'registry',
    Array.from({ length: count }, (_, i) => ({ hostname: `${prefix}-${i}`, port: 5000 })),
  )
const sessions = Array.from({ length: 300 }, (_, i) => `session-${i}`)

describe('replicas', () => {
  it('take requests in turn', () => {
    const three = pool(3)
    const names = Array.from({ length: 6 }, () => three.pick({})?.name)
    expect(names.slice(0, 3).toSorted()).toEqual(['registry-0:5000', 'registry-1:5000', 'registry-2:5000'])
    expect(names.slice(3)).toEqual(names.slice(0, 3))
  })

  it('that are ready go before those that are not, those before nobody, and silent ones are not asked', () => {
    const three = pool(3)
    const [a, b, c] = three.upstreams
    three.eject(a!, 'refusing')
    three.eject(b!, 'silent')
    expect(three.pick({})).toBe(c)
    c!.state = 'refusing'
    expect(new Set([three.pick({}), three.pick({})])).toEqual(new Set([a, c]))
    a!.state = 'ready'
    expect(three.pick({})).toBe(a)
    for (const upstream of three.upstreams) upstream.state = 'silent'
    expect(three.pick({})).toBeUndefined()
  })

  it('are not asked again at once while another is as good', () => {
    const two = pool(2)
    const [a, b] = two.upstreams
    for (let i = 0; i < 4; i++) expect(two.pick({ except: a })).toBe(b)
    expect(pool(1).pick({ except: a })?.name).toBe('registry-0:5000')
    two.eject(b!, 'refusing')
    expect(two.pick({ except: a })).toBe(a)
  })
})

describe('an upload session', () => {
  it('belongs to one replica, found alike by every gateway in whatever order it knows them', () => {
    const one = pool(4)
    const other = createPool('registry', one.upstreams.toReversed())
    for (const session of sessions) expect(one.pick({ session })?.name).toBe(other.pick({ session })?.name)
    expect(new Set(sessions.map((session) => one.pick({ session })?.name)).size).toBe(4)
  })

  it('moves only when its own replica goes, and comes back with it', () => {
    const four = pool(4)
    const before = sessions.map((session) => four.pick({ session }))
    const gone = four.upstreams[1]!
    for (const upstream of four.upstreams) upstream.state = 'ready'
    four.eject(gone, 'refusing')
    const during = sessions.map((session) => four.pick({ session }))
    for (const [i, upstream] of during.entries()) {
      expect(upstream).not.toBe(gone)
      if (before[i] !== gone) expect(upstream).toBe(before[i])
    }
    gone.state = 'ready'
    expect(sessions.map((session) => four.pick({ session }))).toEqual(before)
  })
})
