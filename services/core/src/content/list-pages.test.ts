import { pageOf } from '@berth/db'
import { describe, expect, it } from 'vitest'
import { askPage, type Part } from './list-pages.ts'

const idOf = (id: number) => id
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1)

/** A list of so many rows, and how it was asked for. */
function listOf(count: number, cursor = false) {
  const asked: Part[] = []
  const ask = async (part: Part) => {
    asked.push(part)
    const from = part.after === undefined ? (part.page - 1) * part.pageSize : Number(part.after)
    const rows = upTo(count).slice(from, from + part.pageSize)
    const end = from + rows.length
    return { rows, total: count, ...(cursor && end < count && { next: String(end) }) }
  }
  return { asked, ask }
}

describe('a page of a list somebody else keeps', () => {
  it('is one ask', async () => {
    const { asked, ask } = listOf(95)
    expect(await askPage(pageOf({ page: 2, pageSize: 10 }), idOf, ask)).toMatchObject({ total: 95 })
    expect(asked).toEqual([{ page: 2, pageSize: 10 }])
  })

  it('may lie behind every end', async () => {
    const { asked, ask } = listOf(5)
    const page = pageOf({ page: 5_000_000_000, pageSize: 10 })
    expect(await askPage(page, idOf, ask)).toEqual({ rows: [], total: 5 })
    expect(asked).toEqual([{ page: 1_000_000_000, pageSize: 10 }])
  })
})

describe('everything', () => {
  const everything = pageOf({ pageSize: 0 })

  it.each([
    [0, 1],
    [7, 1],
    [100, 1],
    [101, 2],
    [1_000, 10],
    [25_000, 10],
  ])('of %i rows is at most a thousand, in %i asks', async (count, asks) => {
    for (const cursor of [false, true]) {
      const { asked, ask } = listOf(count, cursor)
      const { rows, total } = await askPage(everything, idOf, ask)
      expect([rows, total]).toEqual([upTo(Math.min(count, 1_000)), count])
      expect(asked).toHaveLength(asks)
    }
  })

  it('goes on from where the part before ended, where that can be said', async () => {
    const { asked, ask } = listOf(250, true)
    await askPage(everything, idOf, ask)
    expect(asked.map(({ page, after }) => [page, after])).toEqual([
      [1, undefined],
      [1, '100'],
      [1, '200'],
    ])
  })

  it('tells nothing twice that was pushed along by something new', async () => {
    const rows = upTo(150)
    const ask = async ({ page, pageSize }: Part) => {
      const part = rows.slice((page - 1) * pageSize, page * pageSize)
      rows.unshift(1_000 + page)
      return { rows: part, total: rows.length }
    }
    const all = (await askPage(everything, idOf, ask)).rows
    expect(all).toEqual([...new Set(all)])
    expect(all).toHaveLength(150)
  })
})
