import { Unprocessable } from '@berth/errors'
import { describe, expect, it } from 'vitest'
import { MAX_UNPAGED, pageHeaders, pageOf } from './list-page.ts'

describe('a page', () => {
  it('is the first ten rows unless said otherwise', () => {
    expect(pageOf({})).toEqual({ number: 1, size: 10, limit: 10, offset: 0 })
  })

  it('counts from one', () => {
    expect(pageOf({ page: 3, pageSize: 20 })).toEqual({ number: 3, size: 20, limit: 20, offset: 40 })
    expect(pageOf({ page: 0, pageSize: 20 }).offset).toBe(0)
    expect(pageOf({ page: -7, pageSize: 20 }).offset).toBe(0)
  })

  it('holds at most a hundred rows', () => {
    expect(pageOf({ pageSize: 100 }).limit).toBe(100)
    expect(() => pageOf({ pageSize: 101 })).toThrow(Unprocessable)
  })

  it.each([0, -1])('of size %d is everything, up to a bound', (pageSize) => {
    expect(pageOf({ page: 4, pageSize })).toEqual({ number: 1, size: 0, limit: MAX_UNPAGED, offset: 0 })
  })

  it('refuses what is no whole number or too far away', () => {
    expect(() => pageOf({ page: 1.5 })).toThrow(Unprocessable)
    expect(() => pageOf({ page: Number.MAX_SAFE_INTEGER, pageSize: 100 })).toThrow(Unprocessable)
  })
})

describe('the headers of a list', () => {
  const headers = (url: string, page: number, pageSize: number, total: number) =>
    pageHeaders(url, pageOf({ page, pageSize }), total)

  it('count everything and link nowhere when it fits', () => {
    expect(headers('/api/v2.0/projects', 1, 10, 3)).toEqual({ 'X-Total-Count': '3' })
    expect(headers('/api/v2.0/projects', 1, 10, 10)).toEqual({ 'X-Total-Count': '10' })
  })

  it('link to the pages before and after, relative, sorted and readable', () => {
    expect(headers('/api/v2.0/projects?q=name%3D~lib&page=2&page_size=10', 2, 10, 25).Link).toBe(
      '</api/v2.0/projects?page=1&page_size=10&q=name=~lib>; rel="prev" , </api/v2.0/projects?page=3&page_size=10&q=name=~lib>; rel="next"',
    )
  })

  it('name the page size even when it was not asked for', () => {
    expect(headers('/api/v2.0/users', 1, 10, 11).Link).toBe('</api/v2.0/users?page=2&page_size=10>; rel="next"')
  })

  it('link back from a page just past the end', () => {
    expect(headers('/x', 2, 10, 10).Link).toBe('</x?page=1&page_size=10>; rel="prev"')
    expect(headers('/x', 5, 10, 10).Link).toBeUndefined()
  })

  it('link on from everything that did not fit', () => {
    expect(headers('/x?page_size=0', 1, 0, 1_000).Link).toBeUndefined()
    expect(headers('/x?page_size=0', 1, 0, 1_001).Link).toBe('</x?page=11&page_size=100>; rel="next"')
  })

  it('keep what would break the header or change the query escaped', () => {
    const { Link } = headers('/x?q=a%26b%0D%0Ac%3Ed%20%C3%A9', 1, 10, 11)
    expect(Link).toBe('</x?page=2&page_size=10&q=a%26b%0D%0Ac%3Ed%20%C3%A9>; rel="next"')
  })
})
