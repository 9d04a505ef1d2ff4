import { X509Certificate } from 'node:crypto'
import { copyFile, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { silentLogger } from '@berth/runtime'
import { type TempDir, tempDir } from '@berth/testkit'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Pair, readPair } from './pair.ts'
import { openSelfSigned } from './self-signed.ts'
import { watchPair } from './watch-pair.ts'

let dir: TempDir
const closers: (() => void)[] = []
beforeEach(async () => {
  dir = await tempDir('tls')
})
afterEach(async () => {
  for (const close of closers.splice(0)) close()
  await dir.remove()
})

/** Makes a pair of its own in two files. */
async function makePair(name: string): Promise<{ cert: string; key: string; serial: string }> {
  const { cert: pem } = await openSelfSigned(join(dir.path, `made-${name}`), [name])
  const text = await readFile(pem, 'utf8')
  const [cert, key] = [join(dir.path, `${name}.crt`), join(dir.path, `${name}.key`)]
  const at = text.indexOf('-----BEGIN CERTIFICATE')
  await writeFile(key, text.slice(0, at))
  await writeFile(cert, text.slice(at))
  return { cert, key, serial: serialOf(text) }
}

const serialOf = (pem: string | Buffer) => new X509Certificate(pem).serialNumber

describe('a self-signed certificate', () => {
  it('is made once, for every name we are known by, and kept', async () => {
    const names = ['registry.example:8443', '192.0.2.7', '0.0.0.0']
    const files = await openSelfSigned(dir.path, names)
    const { cert } = readPair(files)
    const certificate = new X509Certificate(cert)
    for (const name of ['registry.example', 'localhost']) expect(certificate.checkHost(name), name).toBe(name)
    for (const ip of ['192.0.2.7', '127.0.0.1', '::1']) expect(certificate.checkIP(ip), ip).toBeDefined()
    expect(certificate.checkIP('0.0.0.0')).toBeUndefined()
    expect((await stat(files.key)).mode & 0o777).toBe(0o600)
    expect(await readFile(join(dir.path, 'gateway.crt'), 'utf8')).toBe(certificate.toString())
    await openSelfSigned(dir.path, names)
    expect(serialOf(readPair(files).cert)).toBe(certificate.serialNumber)
  })

  it('is made again when a name is missing or what is there is none', async () => {
    const files = await openSelfSigned(dir.path, [])
    const before = serialOf(readPair(files).cert)
    await openSelfSigned(dir.path, ['new.example'])
    expect(serialOf(readPair(files).cert)).not.toBe(before)
    await writeFile(files.cert, 'nothing')
    await openSelfSigned(dir.path, [])
    expect(readPair(files).validTo.getTime()).toBeGreaterThan(Date.now())
  })

  it('is one and the same for replicas that start together', async () => {
    const all = await Promise.all([1, 2, 3].map(() => openSelfSigned(dir.path, [])))
    expect(new Set(all.map((files) => serialOf(readPair(files).cert))).size).toBe(1)
  })
})

describe('a pair in files', () => {
  it('is refused when its halves do not belong together', async () => {
    const [a, b] = [await makePair('a'), await makePair('b')]
    expect(() => readPair({ cert: a.cert, key: b.key })).toThrow('key')
    expect(() => readPair({ cert: a.cert, key: '/nowhere' })).toThrow('/nowhere')
  })

  it('is read again when it has changed, and stays when the new one is broken', async () => {
    const [a, b] = [await makePair('a'), await makePair('b')]
    const pairs: Pair[] = []
    const errors: string[] = []
    const log = { ...silentLogger, error: (message: string) => errors.push(message) }
    closers.push(watchPair(a, { log, onPair: (pair) => pairs.push(pair) }))
    await writeFile(a.cert, 'broken')
    await vi.waitFor(() => expect(errors).toHaveLength(1), 5_000)
    expect(pairs).toHaveLength(0)
    await copyFile(b.cert, a.cert)
    await copyFile(b.key, a.key)
    await vi.waitFor(() => expect(pairs.map(({ cert }) => serialOf(cert))).toEqual([b.serial]), 5_000)
  })

  it('is found changed where a link to its directory is swapped, as Kubernetes does', async () => {
    const [a, b] = [await makePair('a'), await makePair('b')]
    const at = (name: string) => join(dir.path, name)
    const links = { cert: at('tls.crt'), key: at('tls.key') }
    await symlink(a.cert, links.cert)
    await symlink(a.key, links.key)
    const pairs: Pair[] = []
    closers.push(watchPair(links, { log: silentLogger, onPair: (pair) => pairs.push(pair), pollMs: 20 }))
    await rm(links.key)
    await symlink(b.key, links.key)
    await symlink(b.cert, at('next.crt'))
    await rename(at('next.crt'), links.cert)
    await vi.waitFor(() => expect(serialOf(pairs.at(-1)?.cert ?? '')).toBe(b.serial), 5_000)
  })
})
