import { readFile } from 'node:fs/promises'

const MAX_BYTES = 1024 * 1024

/**
 * The certificates in a file of PEM, and nothing else of it, such as a private key; undefined when there is no file or
 * no certificate in it. Read each time: whoever renews it need not tell us.
 */
export async function findCertificate(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  try {
    const pem = await readFile(path, 'latin1')
    if (pem.length > MAX_BYTES) return undefined
    const certificates = pem.match(/-----BEGIN CERTIFICATE-----[\w+/=\s]+-----END CERTIFICATE-----/g)
    return certificates ? `${certificates.join('\n')}\n` : undefined
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw err
  }
}
