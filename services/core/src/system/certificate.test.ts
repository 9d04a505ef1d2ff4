import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { findCertificate } from './certificate.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'berth-certificate-'))
})
afterAll(() => rm(dir, { recursive: true }))

const pem = (what: string) => `-----BEGIN ${what}-----\nMIIB\n-----END ${what}-----\n`

it('is what of a file is certificates, and never a key that lies beside them', async () => {
  const path = join(dir, 'both.pem')
  await writeFile(path, `${pem('CERTIFICATE')}${pem('PRIVATE KEY')}${pem('CERTIFICATE')}`)
  expect(await findCertificate(path)).toBe(pem('CERTIFICATE') + pem('CERTIFICATE'))
})

it('is nothing without a file, or with one that holds none', async () => {
  expect(await findCertificate(undefined)).toBeUndefined()
  expect(await findCertificate(join(dir, 'nowhere'))).toBeUndefined()
  await writeFile(join(dir, 'key.pem'), pem('PRIVATE KEY'))
  expect(await findCertificate(join(dir, 'key.pem'))).toBeUndefined()
})
