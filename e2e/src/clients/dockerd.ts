import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Tools } from '../../tools/install.ts'
import { type Daemon, run, startDaemon, until } from '../process.ts'
import { openScratch, removeScratch } from '../scratch.ts'

export interface Dockerd {
  /** What DOCKER_HOST is set to. */
  host: string
  daemon: Daemon
  /** Ends the daemon, unmounts what it left and removes its files. */
  stop(): Promise<void>
}

/**
 * Starts a docker engine of its own: own socket, data, exec root, configuration and key; no bridge, no firewall rule.
 * It must be root. Registries on 127.0.0.1 are spoken to without TLS, as docker does by itself.
 */
export async function startDockerd(tools: Tools): Promise<Dockerd> {
  const home = await openScratch()
  const host = `unix://${join(home, 'docker.sock')}`
  await mkdir(join(home, 'tmp'))
  await writeFile(join(home, 'daemon.json'), JSON.stringify({ 'deprecated-key-path': join(home, 'key.json') }))
  const daemon = startDaemon(
    'dockerd',
    [
      ['--config-file', join(home, 'daemon.json')],
      ['--host', host],
      ['--data-root', join(home, 'data')],
      ['--exec-root', join(home, 'exec')],
      ['--pidfile', join(home, 'docker.pid')],
      ['--max-concurrent-downloads', '3'],
      ['--max-concurrent-uploads', '5'],
      ['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false'],
    ].flat(),
    { env: { ...tools.env, HOME: home, DOCKER_TMPDIR: join(home, 'tmp') }, logFile: join(home, 'dockerd.log') },
  )
  const stop = async (): Promise<void> => {
    await daemon.stop()
    await removeScratch(home)
  }
  try {
    await until('dockerd to answer', 60_000, async () => {
      if (!daemon.running()) throw new Error(`dockerd left:\n${(await daemon.log()).slice(-4000)}`)
      const asked = await run('docker', ['version'], { env: { ...tools.env, DOCKER_HOST: host } })
      return asked.code === 0
    })
  } catch (err) {
    await stop()
    throw err
  }
  return { host, daemon, stop }
}
