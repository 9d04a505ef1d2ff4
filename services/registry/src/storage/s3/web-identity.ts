import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import * as http from 'node:http'
import * as https from 'node:https'
import { rootCertificates } from 'node:tls'
import type { S3Credentials } from './s3-credentials.ts'

const TIMEOUT_MS = 10_000
const MAX_ANSWER_BYTES = 64 * 1024

/**
 * Exchanges the token a cluster has put into a file for credentials that hold for a while.
 *
 * @throws {Error} the file cannot be read, or the security token service refuses
 * @see AWS STS, AssumeRoleWithWebIdentity
 */
export async function assumeRoleWithWebIdentity(asked: {
  endpoint: string
  roleArn: string
  sessionName: string
  tokenFile: string
  caFile?: string
}): Promise<S3Credentials> {
  const body = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: asked.roleArn,
    RoleSessionName: asked.sessionName,
    WebIdentityToken: (await readFile(asked.tokenFile, 'utf8')).trim(),
  }).toString()
  const { status, text } = await post(new URL(asked.endpoint), body, asked.caFile)
  const textOf = (name: string) => new RegExp(`<${name}>\\s*([^<\\s]+)\\s*</${name}>`).exec(text)?.[1]
  const [accessKey, secretKey] = [textOf('AccessKeyId'), textOf('SecretAccessKey')]
  if (status !== 200 || accessKey === undefined || secretKey === undefined) {
    throw new Error(`the security token service answered ${status} (${textOf('Code') ?? 'no credentials'})`)
  }
  const expiration = textOf('Expiration')
  return {
    accessKey,
    secretKey,
    sessionToken: textOf('SessionToken'),
    expiresAt: new Date(expiration ?? Date.now() + 3_600_000),
  }
}

function post(url: URL, body: string, caFile?: string): Promise<{ status: number; text: string }> {
  const ca = caFile === undefined ? undefined : [...rootCertificates, readFileSync(caFile, 'utf8')]
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? https.request : http.request
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const req = request(url, { method: 'POST', headers, ca, signal }, async (res) => {
      try {
        let text = ''
        for await (const chunk of res) if (text.length < MAX_ANSWER_BYTES) text += String(chunk)
        resolve({ status: res.statusCode ?? 0, text })
      } catch (err) {
        reject(err)
      }
    })
    req.on('error', reject)
    req.end(body)
  })
}
