import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Tools } from '../../tools/install.ts'
import { ask } from '../http.ts'
import { startDaemon, until } from '../process.ts'
import { freePort } from '../scratch.ts'
import type { Peer } from './peer.ts'

/** Debian's docker-registry on a directory and port of its own, without access control, its access log off. */
export async function startDockerRegistry(tools: Tools, home: string): Promise<Peer> {
  const directory = join(home, 'docker-registry')
  await mkdir(directory, { recursive: true })
  const port = await freePort()
  await writeFile(
    join(directory, 'config.yml'),
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
  const daemon = startDaemon('docker-registry', ['serve', join(directory, 'config.yml')], {
    env: { ...tools.env, OTEL_TRACES_EXPORTER: 'none' },
    logFile: join(directory, 'log'),
  })
  const url = `http://127.0.0.1:${port}`
  await until('docker-registry to answer', 15_000, async () => {
    if (!daemon.running()) throw new Error(`docker-registry left:\n${await daemon.log()}`)
    return ask(`${url}/v2/`).then(
      (answer) => answer.status === 200,
      () => false,
    )
  })
  return { url, pids: async () => [{ name: 'docker-registry', pid: daemon.pid }], stop: () => daemon.stop() }
}
