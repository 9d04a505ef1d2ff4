import { createHash, createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

export interface Keys {
  accessKey: string
  secretKey: string
}

/** What is wrong with how a request is signed, as the code an S3 answers with; `undefined`: nothing. @see AWS, SigV4 */
export function signatureFault(req: IncomingMessage, keys: Keys, payloadSha256: string): string | undefined {
  const url = new URL(req.url ?? '/', 'http://s3')
  return url.searchParams.has('X-Amz-Signature')
    ? presignedFault(req, url, keys)
    : headerFault(req, url, keys, payloadSha256)
}

function headerFault(req: IncomingMessage, url: URL, keys: Keys, payloadSha256: string): string | undefined {
  const form = /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/
  const [, credential = '', signed = '', signature] = form.exec(req.headers.authorization ?? '') ?? []
  if (signature === undefined) return 'AccessDenied'
  const announced = String(req.headers['x-amz-content-sha256'])
  if (announced !== 'UNSIGNED-PAYLOAD' && announced !== payloadSha256) return 'XAmzContentSHA256Mismatch'
  const date = String(req.headers['x-amz-date'])
  const expected = sign({ req, url, credential, signed, date, payload: announced }, keys)
  if (expected === undefined) return 'InvalidAccessKeyId'
  return expected === signature ? undefined : 'SignatureDoesNotMatch'
}

function presignedFault(req: IncomingMessage, url: URL, keys: Keys): string | undefined {
  const query = url.searchParams
  const date = query.get('X-Amz-Date') ?? ''
  const signature = query.get('X-Amz-Signature')
  const begun = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (!(Date.now() < begun + Number(query.get('X-Amz-Expires')) * 1_000)) return 'AccessDenied'
  query.delete('X-Amz-Signature')
  const credential = query.get('X-Amz-Credential') ?? ''
  const signed = query.get('X-Amz-SignedHeaders') ?? ''
  const expected = sign({ req, url, credential, signed, date, payload: 'UNSIGNED-PAYLOAD' }, keys)
  return expected === signature ? undefined : 'SignatureDoesNotMatch'
}

function sign(
  asked: { req: IncomingMessage; url: URL; credential: string; signed: string; date: string; payload: string },
  { accessKey, secretKey }: Keys,
): string | undefined {
  const { req, url, credential, signed, date, payload } = asked
  const [who, day = '', region = '', service = '', end = ''] = credential.split('/')
  if (who !== accessKey) return undefined
  const query = [...url.searchParams]
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
    .sort()
    .join('&')
  const headers = signed.split(';').map((name) => `${name}:${String(req.headers[name]).trim().replace(/\s+/g, ' ')}\n`)
  const path = url.pathname.split('/').map((part) => escaped(decodeURIComponent(part)))
  const canonical = [req.method, path.join('/'), query, headers.join(''), signed, payload].join('\n')
  const scope = [day, region, service, end].join('/')
  const text = ['AWS4-HMAC-SHA256', date, scope, createHash('sha256').update(canonical).digest('hex')].join('\n')
  const key = [day, region, service, end].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${secretKey}`,
  )
  return createHmac('sha256', key).update(text).digest('hex')
}

function escaped(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}
