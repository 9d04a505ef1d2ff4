import { describe, expect, it } from 'vitest'
import {
  formatContentRange,
  formatUploadRange,
  parseRange,
  parseUploadRange,
  RangeInvalid,
  unsatisfiedRange,
} from './range.ts'

describe('the Range of a GET', () => {
  it.each([
    ['bytes=0-0', 0, 0],
    ['bytes=2-5', 2, 5],
    ['bytes=7-', 7, 9],
    ['bytes=9-9', 9, 9],
    ['bytes=0-', 0, 9],
    ['bytes=5-100', 5, 9],
    ['bytes=0-99999999999999999999999999', 0, 9],
    ['bytes=-3', 7, 9],
    ['bytes=-10', 0, 9],
    ['bytes=-11', 0, 9],
    ['Bytes=1-2', 1, 2],
    [' bytes=1-2 ', 1, 2],
  ])('%j of ten bytes', (header, start, end) => {
    expect(parseRange(header, 10)).toEqual({ start, end, lengthBytes: end - start + 1 })
  })

  it.each([
    undefined,
    '',
    'bytes=',
    'bytes=-',
    'bytes',
    'bytes=a-b',
    'bytes=1',
    'bytes=1.5-2',
    'bytes=0x1-2',
    'bytes=--1',
    'bytes=+1-2',
    'bytes=0-1,3-4',
    'bytes=0-1, 3-4',
    'lines=0-1',
    'bytes=٠-١',
    `bytes=${'0'.repeat(200)}-1`,
  ])('%j means the whole', (header) => {
    expect(parseRange(header, 10)).toBeUndefined()
  })

  it.each([
    ['bytes=10-', 10],
    ['bytes=10-20', 10],
    ['bytes=99999999999999999999-', 10],
    ['bytes=5-4', 10],
    ['bytes=-0', 10],
    ['bytes=0-', 0],
    ['bytes=0-0', 0],
    ['bytes=-5', 0],
  ])('%j of %i bytes cannot be satisfied', (header, sizeBytes) => {
    expect(() => parseRange(header, sizeBytes)).toThrow(RangeInvalid)
    expect(() => parseRange(header, sizeBytes)).toThrow(expect.objectContaining({ code: 'RANGE_INVALID', sizeBytes }))
  })

  it('is answered with a Content-Range', () => {
    const range = parseRange('bytes=-3', 10)
    expect(range && formatContentRange(range, 10)).toBe('bytes 7-9/10')
    expect(unsatisfiedRange(10)).toBe('bytes */10')
  })
})

describe('the Content-Range of an upload', () => {
  it('counts both ends in', () => {
    expect(parseUploadRange('0-0')).toEqual({ start: 0, end: 0, lengthBytes: 1 })
    expect(parseUploadRange('5-14')).toEqual({ start: 5, end: 14, lengthBytes: 10 })
  })

  it('may be absent', () => {
    expect(parseUploadRange(undefined)).toBeUndefined()
  })

  it.each(['', '-', '5', '5-', '-5', '5-4', 'a-b', 'bytes 0-5/6', '0-5/6', '1e3-2e3', '0-9007199254740993', '0 - 5'])(
    'may not be %j',
    (header) => {
      expect(() => parseUploadRange(header)).toThrow(RangeInvalid)
    },
  )

  it('is answered with the bytes held', () => {
    expect(formatUploadRange(0)).toBe('0-0')
    expect(formatUploadRange(1)).toBe('0-0')
    expect(formatUploadRange(1024)).toBe('0-1023')
  })
})
