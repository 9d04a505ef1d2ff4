import { describe, expect, it } from 'vitest'
import { isAnswer, messageBytes } from './message-shape.ts'

/** An element of BER; its length may lie. */
function element(tag: number, content: Buffer | string | readonly Buffer[], length?: number): Buffer {
  const bytes = Array.isArray(content) ? Buffer.concat(content) : Buffer.from(content as Buffer)
  return Buffer.concat([Buffer.from([tag, length ?? bytes.length]), bytes])
}
const text = (value: string, length?: number) => element(0x04, value, length)
const number = (value: number, tag = 0x02) => element(tag, Buffer.from([value]))
const message = (...parts: Buffer[]) => element(0x30, [number(1), ...parts])
const attribute = (...values: Buffer[]) => element(0x30, [text('cn'), element(0x31, values)])
const entry = (...attributes: Buffer[]) => message(element(0x64, [text('cn=a'), element(0x30, attributes)]))
const result = (tag: number, ...more: Buffer[]) => element(tag, [number(0, 0x0a), text(''), text(''), ...more])
const control = (...parts: Buffer[]) => element(0xa0, [element(0x30, [text('1.2.3'), ...parts])])

describe('an answer of a directory', () => {
  it.each([
    ['that a name is bound', message(result(0x61))],
    ['that TLS may begin', message(result(0x78, element(0x8a, '1.3.6.1')))],
    ['that a search is done, with referrals', message(result(0x65, element(0xa3, [text('ldap://a')])))],
    ['with controls', message(result(0x65), control(element(0x01, Buffer.from([0])), text('x')))],
    ['that points elsewhere', message(element(0x73, [text('ldap://a'), text('ldap://b')]))],
    ['with an entry', entry(attribute(text('a'), text('')), attribute())],
    ['with an entry that says nothing', entry()],
  ])('is one %s', (_, bytes) => {
    expect(isAnswer(bytes)).toBe(true)
    expect(messageBytes(bytes)).toBe(bytes.length)
  })

  it.each([
    ['a value longer than its attribute', entry(attribute(text('a', 0x7f)))],
    ['a value of a negative length', entry(attribute(element(0x04, Buffer.from([0xff, 0xff, 0xff, 0xf0]), 0x84)))],
    ['a type longer than its attribute', entry(element(0x30, [text('cn', 0x7f), element(0x31, [])]))],
    ['an attribute that is none', entry(element(0x04, [text('cn'), element(0x31, [text('a', 0x7f)])]))],
    ['half a value', entry(element(0x30, [text('cn'), element(0x31, Buffer.from([0x04]))]))],
    ['values of another kind', entry(attribute(number(1)))],
    ['a name of another kind', message(element(0x64, [number(1), element(0x30, [])]))],
    ['a referral longer than it is', message(element(0x73, [text('x', 0x7f)]))],
    ['a result without a text', message(element(0x61, [number(0, 0x0a), text('')]))],
    ['an endless length', message(Buffer.from([0x61, 0x80, 0x00, 0x00]))],
    ['a control without a type', message(result(0x65), element(0xa0, [element(0x30, [])]))],
    ['a question', message(element(0x63, [text('')]))],
    ['no number', element(0x30, [text('x'), result(0x61)])],
    ['more behind it', Buffer.concat([message(result(0x61)), Buffer.from([0])])],
    ['nothing', Buffer.alloc(0)],
  ])('is none with %s', (_, bytes) => {
    expect(isAnswer(bytes)).toBe(false)
  })

  it('is whole when as much has come as its head says', () => {
    expect(messageBytes(Buffer.from([0x30]))).toBeUndefined()
    expect(messageBytes(Buffer.from([0x30, 0x82, 0x01]))).toBeUndefined()
    expect(messageBytes(Buffer.from([0x30, 0x82, 0x01, 0x00]))).toBe(260)
    for (const head of [[0x04], [0x30, 0x80], [0x30, 0x85]]) expect(messageBytes(Buffer.from(head))).toBeNaN()
  })
})
