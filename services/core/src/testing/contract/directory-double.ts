import { createServer, type Socket } from 'node:net'

/** A directory that lets everybody in and knows one person and one group. */
export interface DirectoryDouble {
  /** `ldap://127.0.0.1:…` */
  url: string
  stop(): Promise<void>
}

export const BASE = 'dc=example,dc=org'
export const PERSON = 'ada'
export const GROUP = 'readers'

const ENTRIES: Record<string, { dn: string; attributes: Record<string, string> }> = {
  [PERSON]: {
    dn: `cn=${PERSON},ou=people,${BASE}`,
    attributes: { cn: PERSON, uid: PERSON, sn: 'Lovelace', mail: `${PERSON}@example.org` },
  },
  [GROUP]: { dn: `cn=${GROUP},ou=groups,${BASE}`, attributes: { cn: GROUP } },
}

/** Tags of RFC 4511. */
const OP = { bind: 0x60, bound: 0x61, unbind: 0x42, search: 0x63, entry: 0x64, done: 0x65 }
const INTEGER = 0x02
const OCTETS = 0x04
const ENUMERATED = 0x0a
const SEQUENCE = 0x30
const SET = 0x31

/** For tests: as much of LDAP as it takes to bind and to find somebody by name. */
export async function startDirectoryDouble(): Promise<DirectoryDouble> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    let rest = Buffer.alloc(0)
    socket.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes])
      for (let message = take(rest, 0); message && message.end <= rest.length; message = take(rest, 0)) {
        socket.write(answerTo(rest.subarray(message.begin, message.end)))
        rest = rest.subarray(message.end)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `ldap://127.0.0.1:${port}`,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => void server.close(() => resolve()))
    },
  }
}

/** Where the content of the element at `at` begins and ends; undefined while its head is not whole. */
function take(bytes: Buffer, at: number): { tag: number; begin: number; end: number } | undefined {
  const tag = bytes[at]
  const first = bytes[at + 1]
  if (tag === undefined || first === undefined) return undefined
  if (first < 0x80) return { tag, begin: at + 2, end: at + 2 + first }
  const count = first & 0x7f
  if (bytes.length < at + 2 + count) return undefined
  const begin = at + 2 + count
  return { tag, begin, end: begin + bytes.readUIntBE(at + 2, count) }
}

function answerTo(message: Buffer): Buffer {
  const id = take(message, 0)
  const operation = id && take(message, id.end)
  if (!id || !operation || operation.tag === OP.unbind) return Buffer.alloc(0)
  const numbered = (part: Buffer) => element(SEQUENCE, element(INTEGER, message.subarray(id.begin, id.end)), part)
  const success = [element(ENUMERATED, Buffer.from([0])), octets(''), octets('')]
  if (operation.tag === OP.bind) return numbered(element(OP.bound, ...success))
  const asked = message.subarray(operation.begin, operation.end).toString('latin1')
  const found = Object.entries(ENTRIES).filter(([name]) => asked.includes(name))
  const entries = found.map(([, { dn, attributes }]) => {
    const each = Object.entries(attributes).map(([name, value]) =>
      element(SEQUENCE, octets(name), element(SET, octets(value))),
    )
    return numbered(element(OP.entry, octets(dn), element(SEQUENCE, ...each)))
  })
  return Buffer.concat([...entries, numbered(element(OP.done, ...success))])
}

function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const head = length < 0x80 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(head), content])
}

const octets = (text: string): Buffer => element(OCTETS, Buffer.from(text))
