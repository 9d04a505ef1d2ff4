import { mkdir, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { Client } from 'minio'
import type { Tools } from '../../tools/install.ts'
import { type Daemon, runOk, startDaemon, until } from '../process.ts'
import { freePort } from '../scratch.ts'
import type { S3Peer } from './s3-peer.ts'

const ACCOUNT = { region: 'us-east-1', bucket: 'berth', accessKey: 'berth:suite', secretKey: 'loopback-only' }
const SERVERS = ['account', 'container', 'object'] as const

/** Swift looks for its settings below /etc unless it is told before it starts. */
const RUN = `
import sys
from swift.common import utils
utils.set_swift_dir(sys.argv[1])
from swift.common.wsgi import run_wsgi
sys.exit(run_wsgi(sys.argv[3], sys.argv[2] + '-server'))
`

/** It ends with 1 for a mere warning, as that one copy on one device is not much of a ring. */
const BUILD_RING = `
import sys
from swift.cli.ringbuilder import main
try:
    main(['swift-ring-builder', *sys.argv[1:]])
except SystemExit as ended:
    sys.exit(0 if ended.code in (None, 0, 1) else ended.code)
`

/**
 * Debian's OpenStack Swift with its S3 door: one copy of everything, in a directory and on ports of its own, and one
 * bucket. No service of the machine is touched.
 */
export async function startSwift(tools: Tools, home: string): Promise<S3Peer> {
  const at = (name: string): string => join(home, 'swift', name)
  await mkdir(at('devices/d1'), { recursive: true })
  const ports = { proxy: await freePort(), memcached: await freePort(), account: 0, container: 0, object: 0 }
  for (const server of SERVERS) ports[server] = await freePort()
  await writeFile(
    at('swift.conf'),
    '[swift-hash]\nswift_hash_path_prefix = berth\nswift_hash_path_suffix = tests\n[storage-policy:0]\nname = one\ndefault = yes\n',
  )
  await Promise.all(
    SERVERS.map(async (server) => {
      await writeFile(at(`${server}.conf`), serverSettings(server, ports[server], home))
      const ring = (...args: string[]): Promise<unknown> =>
        runOk('python3', ['-c', BUILD_RING, at(`${server}.builder`), ...args], { env: tools.env, cwd: at('.') })
      await ring('create', '4', '1', '0')
      await ring('add', `r1z1-127.0.0.1:${ports[server]}/d1`, '1')
      await ring('rebalance')
    }),
  )
  await writeFile(at('proxy.conf'), proxySettings(ports.proxy, ports.memcached, home))
  const memory = ['-l', '127.0.0.1', '-p', String(ports.memcached), '-U', '0', '-m', '32', '-u', userInfo().username]
  const daemons: Daemon[] = [startDaemon('memcached', memory, { env: tools.env, logFile: at('memcached.log') })]
  for (const server of [...SERVERS, 'proxy'])
    daemons.push(
      startDaemon('python3', ['-c', RUN, at('.'), server, at(`${server}.conf`)], {
        env: { ...tools.env, PYTHONWARNINGS: 'ignore' },
        logFile: at(`${server}.log`),
      }),
    )
  const stop = async (): Promise<void> => {
    for (const daemon of daemons.toReversed()) await daemon.stop()
  }
  const { region, bucket, accessKey, secretKey } = ACCOUNT
  const client = new Client({ endPoint: '127.0.0.1', port: ports.proxy, useSSL: false, accessKey, secretKey, region })
  try {
    await until('swift to make a bucket', 60_000, async () => {
      for (const daemon of daemons) if (!daemon.running()) throw new Error(`swift left:\n${await daemon.log()}`)
      return client.makeBucket(bucket, region).then(
        () => true,
        () => false,
      )
    })
  } catch (err) {
    await stop()
    throw err
  }
  const endpoint = `http://127.0.0.1:${ports.proxy}`
  return {
    url: endpoint,
    account: { endpoint, ...ACCOUNT },
    client,
    pids: async () => daemons.map(({ pid }) => ({ name: 'swift', pid })),
    stop,
  }
}

function common(port: number, home: string): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
user = ${userInfo().username}
swift_dir = ${join(home, 'swift')}
devices = ${join(home, 'swift/devices')}
mount_check = false
workers = 0
fallocate_reserve = 0
log_level = WARNING
log_address = ${join(home, 'swift/no-syslog')}
recon_cache_path = ${join(home, 'swift')}
`
}

function serverSettings(server: string, port: number, home: string): string {
  return `${common(port, home)}
[pipeline:main]
pipeline = ${server}-server
[app:${server}-server]
use = egg:swift#${server}
`
}

/** Accounts are made as they are used; parts of an upload may be as small as S3 has them. */
function proxySettings(port: number, memcached: number, home: string): string {
  const [user = '', name = ''] = ACCOUNT.accessKey.split(':')
  return `${common(port, home)}
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats bulk s3api tempauth copy slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${memcached}
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
location = ${ACCOUNT.region}
[filter:tempauth]
use = egg:swift#tempauth
user_${user}_${name} = ${ACCOUNT.secretKey} .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
`
}
