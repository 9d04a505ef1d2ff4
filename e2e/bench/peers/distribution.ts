import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ask } from '../../src/http.ts'
import type { Peer } from '../../src/peers/peer.ts'
import { type Daemon, startDaemon, until } from '../../src/process.ts'
import { freePort } from '../../src/scratch.ts'

/** distribution 3.x on a directory and port of its own: files, descriptors in memory, no access control, no access log. */
export async function startDistribution(program: string, home: string): Promise<Peer> {
  const directory = join(home, 'distribution')
  await mkdir(directory, { recursive: true })
  const port = await freePort()
  const config = join(directory, 'config.yml')
  await writeFile(
    config,
    `version: 0.1
log:
  level: error
  accesslog: { disabled: true }
storage:
  cache: { blobdescriptor: inmemory }
  filesystem: { rootdirectory: ${join(directory, 'data')} }
  delete: { enabled: true }
http:
  addr: 127.0.0.1:${port}
`,
  )
  const daemon = startDaemon(program, ['serve', config], {
    env: { OTEL_TRACES_EXPORTER: 'none' },
    logFile: join(directory, 'log'),
  })
  return answering('distribution', daemon, port)
}

/** olareg on a directory and port of its own, with the API to delete on. */
export async function startOlareg(program: string, home: string): Promise<Peer> {
  const directory = join(home, 'olareg')
  await mkdir(directory, { recursive: true })
  const port = await freePort()
  const args = ['serve', '--dir', directory, '--port', String(port), '--addr', '127.0.0.1']
  const daemon = startDaemon(program, args, { env: {}, logFile: join(home, 'olareg.log') })
  return answering('olareg', daemon, port)
}

async function answering(name: string, daemon: Daemon, port: number): Promise<Peer> {
  const url = `http://127.0.0.1:${port}`
  await until(`${name} to answer`, 15_000, async () => {
    if (!daemon.running()) throw new Error(`${name} left:\n${await daemon.log()}`)
    return ask(`${url}/v2/`).then(
      (answer) => answer.status === 200,
      () => false,
    )
  })
  return { url, pids: async () => [{ name, pid: daemon.pid }], stop: () => daemon.stop() }
}
