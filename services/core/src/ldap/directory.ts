import type { Socket } from 'node:net'
import { connect as connectOverTls, type TLSSocket } from 'node:tls'
import type { Egress } from '@berth/egress'
import { Unavailable } from '@berth/errors'
import { Client, type Entry, type Filter, ResultCodeError } from 'ldapts'
import type { LdapServer, Scope } from './ldap-config.ts'
import { MessageStream } from './message-stream.ts'

/** All steps together may take this many times what each of them may. */
const STEPS = 6

/** The directory could not be asked; says why in a few words, nothing of what it answered. */
export class DirectoryFailed extends Unavailable {
  override name = 'DirectoryFailed'
}

interface Search {
  base: string
  scope: Scope
  filter: Filter
  attributes: readonly string[]
  /** More than these are not answered. */
  limit: number
  /** Of these the bytes are told, in hex. */
  binary?: readonly string[]
}

/** What an entry says, its attributes in lower case and without options. */
export interface DirectoryEntry {
  dn: string
  values(attribute: string): readonly string[]
}

/** One connection to a directory. */
export interface Directory {
  /** Signs in as who searches. */
  bindAsSearcher(): Promise<void>
  /** Whether this is the password; whatever was asked for before is then asked as this entry. */
  bind(dn: string, password: string): Promise<boolean>
  /** Nothing is found below a base that is not there. What is referred to elsewhere is not looked after. */
  search(search: Search): Promise<DirectoryEntry[]>
}

/** What a directory answers when a password is wrong, or nobody may sign in with it just now. */
const REFUSALS = new Set([19, 32, 34, 48, 49, 50, 53])
const NO_SUCH_OBJECT = 32

/**
 * Opens a connection, lets `work` ask, and closes it. TLS is asked for before anything is said.
 *
 * @throws {DirectoryFailed}
 * @throws {EgressRefused} nobody may connect there
 */
export async function withDirectory<T>(
  egress: Egress,
  server: LdapServer,
  work: (directory: Directory) => Promise<T>,
): Promise<T> {
  const socket = await open(egress, server)
  const deadline = setTimeout(() => socket.destroy(), STEPS * server.timeoutMs)
  const client = clientOn(socket, server)
  try {
    if (server.protection === 'starttls') await client.startTLS(tlsOf(server)).catch(failed('refuses StartTLS'))
    return await work(directoryOn(client, server))
  } finally {
    clearTimeout(deadline)
    await client.unbind().catch(() => undefined)
    socket.destroy()
  }
}

async function open(egress: Egress, { host, port, timeoutMs, protection, ca, verifyCertificate }: LdapServer) {
  try {
    if (protection === 'ldaps') return await egress.connectTls({ host, port, timeoutMs, ca, verifyCertificate })
    return await egress.connect({ host, port, timeoutMs })
  } catch (err) {
    if ((err as Error).name === 'EgressRefused') throw err
    throw new DirectoryFailed(`the directory cannot be asked: ${(err as Error).message}`, { cause: err })
  }
}

/** The client is given the one connection it has: it must not open another by itself, without TLS and unjudged. */
function clientOn(socket: Socket, { host, port, protection, timeoutMs }: LdapServer): Client {
  const isLdaps = protection === 'ldaps'
  let isTaken = false
  const stream = new MessageStream(socket)
  // Of what a socket is the client uses what the stream has.
  const take = () => {
    if (isTaken) throw new Error('the connection to the directory is lost')
    isTaken = true
    return stream as unknown as TLSSocket
  }
  return new Client({
    url: `${isLdaps ? 'ldaps' : 'ldap'}://${host}:${port}`,
    timeout: timeoutMs,
    connectTimeout: timeoutMs,
    createConnection: take,
    createSecureConnection: (...options: unknown[]) => {
      if (isLdaps) return take()
      const wanted = { ...(options[0] as ReturnType<typeof tlsOf>), socket: stream.release() }
      return new MessageStream(connectOverTls(wanted)) as unknown as TLSSocket
    },
  })
}

function tlsOf({ host, ca, verifyCertificate }: LdapServer) {
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  const servername = /^[\d.]+$|:/.test(bare) ? undefined : bare
  return { host: bare, servername, ca, rejectUnauthorized: verifyCertificate }
}

function directoryOn(client: Client, server: LdapServer): Directory {
  return {
    async bindAsSearcher() {
      const { searchDn, searchPassword } = server
      // A name without a password makes a nobody of us, which many directories take for success.
      if (searchDn !== '' && searchPassword === '') throw new DirectoryFailed('ldap_search_password is not set')
      await client
        .bind(searchDn, searchDn === '' ? '' : searchPassword)
        .catch(failed('refuses ldap_search_dn with its password'))
    },

    async bind(dn, password) {
      if (dn === '' || password === '') return false
      try {
        await client.bind(dn, password)
        return true
      } catch (err) {
        if (err instanceof ResultCodeError && REFUSALS.has(err.code)) return false
        throw failure('cannot check a password', err)
      }
    },

    async search({ base, scope, filter, attributes, limit, binary = [] }) {
      const options = {
        scope,
        filter,
        attributes: [...attributes],
        explicitBufferAttributes: [...binary],
        derefAliases: 'never' as const,
        sizeLimit: limit,
        timeLimit: Math.ceil(server.timeoutMs / 1_000),
      }
      try {
        const { searchEntries } = await client.search(base, options)
        return searchEntries.slice(0, limit).map(toEntry)
      } catch (err) {
        if (err instanceof ResultCodeError && err.code === NO_SUCH_OBJECT) return []
        throw failure('cannot be searched', err)
      }
    },
  }
}

function toEntry({ dn, ...attributes }: Entry): DirectoryEntry {
  const known = new Map<string, string[]>()
  for (const [name, raw] of Object.entries(attributes)) {
    const key = name.toLowerCase().replace(/;.*$/, '')
    const values = [raw].flat().map((value) => (Buffer.isBuffer(value) ? value.toString('hex') : value))
    known.set(key, [...(known.get(key) ?? []), ...values])
  }
  return { dn, values: (attribute) => known.get(attribute.toLowerCase()) ?? [] }
}

function failed(what: string): (err: unknown) => never {
  return (err) => {
    throw failure(what, err)
  }
}

function failure(what: string, err: unknown): DirectoryFailed {
  if (err instanceof DirectoryFailed) return err
  return new DirectoryFailed(`the directory ${what}${reasonOf(err)}`, { cause: err })
}

/** Nothing a directory wrote: its texts may say more than is for everybody. */
function reasonOf(err: unknown): string {
  if (err instanceof ResultCodeError) return ` (LDAP result ${err.code})`
  const { code, message } = err as { code?: unknown; message?: unknown }
  if (/CERT|SIGNED|UNABLE_TO_/.test(String(code))) return ': its certificate is not trusted'
  if (/timed? ?out/i.test(String(message))) return ': no answer in time'
  return ''
}
