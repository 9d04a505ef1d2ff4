import { randomUUID, X509Certificate } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { splitHost } from '../guard/index.ts'
import type { PairFiles } from './pair.ts'

const DAY_MS = 86_400_000
const VALID_DAYS = 825
const RENEW_DAYS = 30

/**
 * The pair in `dir`, made at first start and again when it is about to expire or lacks one of `names` (a host, with or
 * without port). `gateway.pem` (0600) holds both halves, so they always fit; `gateway.crt` is for clients to trust.
 */
export async function openSelfSigned(dir: string, names: readonly string[]): Promise<PairFiles> {
  const path = join(dir, 'gateway.pem')
  const hosts = hostsOf(names)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const found = await readIfThere(path)
  if (found === undefined || !isGood(found, hosts)) await make(path, hosts, found !== undefined)
  const pem = await readFile(path, 'utf8')
  await writeFile(join(dir, 'gateway.crt'), new X509Certificate(pem).toString())
  return { cert: path, key: path }
}

function hostsOf(names: readonly string[]): string[] {
  const given = names.map((name) => splitHost(isIP(name) === 6 ? `[${name}]` : name).host.replace(/^\[|\]$/g, ''))
  const all = ['localhost', '127.0.0.1', '::1', hostname(), ...given]
  return [...new Set(all)].filter((host) => host !== '' && host !== '0.0.0.0' && host !== '::')
}

function isGood(pem: string, hosts: readonly string[]): boolean {
  const certificate = findCertificate(pem)
  if (!certificate || Date.parse(certificate.validTo) < Date.now() + RENEW_DAYS * DAY_MS) return false
  return hosts.every((host) => (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined)
}

function findCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

async function make(path: string, hosts: readonly string[], replace: boolean): Promise<void> {
  const made = await generate([{ name: 'commonName', value: 'berth gateway' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notAfterDate: new Date(Date.now() + VALID_DAYS * DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: hosts.map((host) =>
          isIP(host) ? { type: 7 as const, ip: host } : { type: 2 as const, value: host },
        ),
      },
    ],
  })
  const fresh = `${path}.${randomUUID()}`
  await writeFile(fresh, `${made.private.trim()}\n${made.cert.trim()}\n`, { mode: 0o600 })
  try {
    // Replicas may start at the same time; the first one's pair is everybody's.
    await (replace ? rename(fresh, path) : link(fresh, path))
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'EEXIST') throw err
  } finally {
    await rm(fresh, { force: true })
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw err
  }
}
