import { createServer, type Socket } from 'node:net'
import { createSecureContext, createServer as createTlsServer, TLSSocket } from 'node:tls'
import {
  AndFilter,
  BerReader,
  BerWriter,
  BindRequest,
  EqualityFilter,
  type Filter,
  NotFilter,
  OrFilter,
  PresenceFilter,
  ProtocolOperation,
  SearchRequest,
  SubstringFilter,
} from 'ldapts'
import { findDn } from '../identity/index.ts'

export interface LdapEntry {
  dn: string
  /** Nobody can bind as an entry without one. */
  password?: string
  attributes: Record<string, string | readonly (string | Buffer)[]>
}

export interface LdapDouble {
  port: number
  /** Under which names somebody bound, and with success or not. */
  binds: { dn: string; password: string; ok: boolean }[]
  /** Base and filter of each search. */
  searches: { base: string; filter: string }[]
  connections: number
  entries: LdapEntry[]
  /** Who may search; else everybody. */
  searchers?: string[]
  /** Answered to each search beside what is found. */
  referral?: string
  /** Added to the answer to StartTLS, before TLS. */
  injection?: Buffer
  /** Never answers a search. */
  isSilent?: boolean
  /** Said to each search instead of an answer. */
  garbage?: Buffer
  /** The answer to a search, if not success. */
  searchResult?: number
  stop(): Promise<void>
}

const START_TLS = '1.3.6.1.4.1.1466.20037'
const UNBIND = 0x42

/** For tests: a small directory that speaks LDAP as far as we do. Takes a name without a password for nobody, gladly. */
export async function startLdapDouble(options: {
  entries?: LdapEntry[]
  tls?: { key: string; cert: string }
  /** TLS from the first byte. */
  isLdaps?: boolean
}): Promise<LdapDouble> {
  const { tls, isLdaps = false } = options
  const sockets = new Set<Socket>()
  const serve = (socket: Socket) => {
    double.connections++
    sockets.add(socket)
    speak(socket, double, tls)
  }
  const server = isLdaps ? createTlsServer({ ...tls }, serve) : createServer(serve)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const double: LdapDouble = {
    port: (server.address() as { port: number }).port,
    binds: [],
    searches: [],
    connections: 0,
    entries: options.entries ?? [],
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
  return double
}

function speak(socket: Socket, double: LdapDouble, tls: { key: string; cert: string } | undefined): void {
  let pending = Buffer.alloc(0)
  let who = ''
  let out: Socket = socket
  const onData = (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    for (let size = sizeOf(pending); size > 0 && pending.length >= size; size = sizeOf(pending)) {
      const message = pending.subarray(0, size)
      pending = pending.subarray(size)
      hear(message)
    }
  }
  function hear(message: Buffer): void {
    const reader = new BerReader(message)
    reader.readSequence()
    const id = reader.readInt() ?? 0
    const operation = reader.peek()
    if (operation === UNBIND) return void out.end()
    reader.readSequence()
    if (operation === ProtocolOperation.LDAP_REQ_BIND) {
      const request = new BindRequest({ messageId: id })
      request.parseMessage(reader)
      const ok = bind(double, request.dn, request.password)
      who = ok ? request.dn : ''
      out.write(result(id, ProtocolOperation.LDAP_RES_BIND, ok ? 0 : 49))
    } else if (operation === ProtocolOperation.LDAP_REQ_SEARCH) {
      const request = new SearchRequest({ messageId: id, filter: new PresenceFilter() })
      request.parseMessage(reader)
      out.write(search(double, id, request, who))
    } else if (operation === ProtocolOperation.LDAP_REQ_EXTENSION && reader.readString(0x80) === START_TLS) {
      const answer = result(id, ProtocolOperation.LDAP_RES_EXTENSION, tls ? 0 : 2)
      out.write(double.injection ? Buffer.concat([answer, double.injection]) : answer)
      if (tls) upgrade()
    }
  }
  function upgrade(): void {
    socket.off('data', onData)
    const secured = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ ...tls }) })
    secured.on('data', onData).on('error', () => undefined)
    out = secured
  }
  socket.on('data', onData).on('error', () => undefined)
}

/** Of the message at the start; 0: not known yet. */
function sizeOf(bytes: Buffer): number {
  const [, first] = bytes
  if (first === undefined) return 0
  if (first < 0x80) return 2 + first
  const lengthBytes = first & 0x7f
  return bytes.length < 2 + lengthBytes ? 0 : 2 + lengthBytes + bytes.readUIntBE(2, lengthBytes)
}

function bind(double: LdapDouble, dn: string, password: string): boolean {
  const entry = double.entries.find((one) => findDn(one.dn) === findDn(dn))
  const ok = password === '' || (entry?.password !== undefined && entry.password === password)
  double.binds.push({ dn, password, ok })
  return ok
}

function search(double: LdapDouble, id: number, request: SearchRequest, who: string): Buffer {
  const { baseDN, scope, filter, attributes, sizeLimit } = request
  double.searches.push({ base: baseDN, filter: filter.toString() })
  if (double.isSilent) return Buffer.alloc(0)
  if (double.garbage) return double.garbage
  const done = (code: number) => result(id, ProtocolOperation.LDAP_RES_SEARCH, code)
  if (double.searchResult !== undefined) return done(double.searchResult)
  const isSearcher = double.searchers?.some((dn) => findDn(dn) === findDn(who)) ?? true
  if (!isSearcher) return done(50)
  const found = double.entries.filter((entry) => isIn(entry.dn, baseDN, scope) && matches(filter, entry))
  const shown = sizeLimit > 0 ? found.slice(0, sizeLimit) : found
  return Buffer.concat([
    ...shown.map((entry) => entryMessage(id, entry, attributes)),
    ...(double.referral ? [referralMessage(id, double.referral)] : []),
    done(shown.length < found.length ? 4 : 0),
  ])
}

function isIn(dn: string, base: string, scope: string): boolean {
  const [one, root] = [findDn(dn) ?? '', findDn(base) ?? '']
  if (scope === 'base') return one === root
  if (!one.endsWith(`,${root}`)) return one === root && scope === 'sub'
  return scope === 'sub' || !one.slice(0, -root.length - 1).includes(',')
}

function matches(filter: Filter, entry: LdapEntry): boolean {
  if (filter instanceof AndFilter) return filter.filters.every((one) => matches(one, entry))
  if (filter instanceof OrFilter) return filter.filters.some((one) => matches(one, entry))
  if (filter instanceof NotFilter) return !matches(filter.filter, entry)
  // The library reads the attribute of a question it was asked from the wrong place.
  if (filter instanceof PresenceFilter) return true
  if (filter instanceof EqualityFilter) {
    const asked = String(filter.value).toLowerCase()
    return valuesOf(entry, filter.attribute).some((value) => value === asked || isSameDn(value, asked))
  }
  if (filter instanceof SubstringFilter) {
    const parts = [filter.initial, ...filter.any, filter.final].map((part) => part.toLowerCase())
    return valuesOf(entry, filter.attribute).some((value) => parts.every((part) => value.includes(part)))
  }
  return false
}

function isSameDn(one: string, other: string): boolean {
  const normal = findDn(one)
  return normal !== undefined && normal === findDn(other)
}

function valuesOf(entry: LdapEntry, attribute: string): string[] {
  const name = attribute.toLowerCase()
  const [, values = []] = Object.entries(entry.attributes).find(([key]) => key.toLowerCase() === name) ?? []
  return [values].flat().map((value) => String(value).toLowerCase())
}

function message(id: number, operation: number, write: (writer: BerWriter) => void): Buffer {
  const writer = new BerWriter()
  writer.startSequence()
  writer.writeInt(id)
  writer.startSequence(operation)
  write(writer)
  writer.endSequence()
  writer.endSequence()
  return writer.buffer
}

function result(id: number, operation: number, code: number): Buffer {
  return message(id, operation, (writer) => {
    writer.writeEnumeration(code)
    writer.writeString('')
    writer.writeString('said by the directory, for nobody else')
  })
}

function referralMessage(id: number, url: string): Buffer {
  return message(id, ProtocolOperation.LDAP_RES_SEARCH_REF, (writer) => writer.writeString(url))
}

function entryMessage(id: number, { dn, attributes }: LdapEntry, asked: readonly string[]): Buffer {
  return message(id, ProtocolOperation.LDAP_RES_SEARCH_ENTRY, (writer) => {
    writer.writeString(dn)
    writer.startSequence()
    for (const [name, values] of Object.entries(attributes)) {
      if (!asked.includes(name.toLowerCase())) continue
      writer.startSequence()
      writer.writeString(name)
      writer.startSequence(0x31)
      for (const value of [values].flat()) writer.writeBuffer(Buffer.from(value), 0x04)
      writer.endSequence()
      writer.endSequence()
    }
    writer.endSequence()
  })
}
