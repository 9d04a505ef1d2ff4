import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'minio'
import type { Tools } from '../../tools/install.ts'
import { startDaemon, until } from '../process.ts'
import { freePort } from '../scratch.ts'
import type { S3Peer } from './s3-peer.ts'

const ACCOUNT = { region: 'us-east-1', bucket: 'berth', accessKey: 'berth', secretKey: 'loopback-only' }

/** Versity's S3 gateway over a directory, with one bucket: a second S3, written by others in another language. */
export async function startVersity(tools: Tools, home: string): Promise<S3Peer> {
  const at = (name: string): string => join(home, 'versity', name)
  for (const name of ['objects', 'facts']) await mkdir(at(name), { recursive: true })
  const port = await freePort()
  const { accessKey, secretKey, region, bucket } = ACCOUNT
  const daemon = startDaemon(
    'versitygw',
    [
      ...['--port', `127.0.0.1:${port}`, '--region', region, '--quiet'],
      ...['posix', '--sidecar', at('facts'), at('objects')],
    ],
    {
      env: { ...tools.env, ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
      logFile: at('log'),
    },
  )
  const client = new Client({ endPoint: '127.0.0.1', port, useSSL: false, accessKey, secretKey, region })
  await until('versitygw to make a bucket', 30_000, async () => {
    if (!daemon.running()) throw new Error(`versitygw left:\n${await daemon.log()}`)
    return client.makeBucket(bucket, region).then(
      () => true,
      () => false,
    )
  })
  const endpoint = `http://127.0.0.1:${port}`
  return {
    url: endpoint,
    account: { endpoint, ...ACCOUNT },
    client,
    pids: async () => [{ name: 'versitygw', pid: daemon.pid }],
    stop: () => daemon.stop(),
  }
}
