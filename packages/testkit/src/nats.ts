import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type NatsAccount, type RunningNats, startNats } from '@berth/embedded'
import { tempDir } from './temp-dir.ts'

export interface ThrowAwayNats extends Omit<RunningNats, 'url'> {
  /** With the credentials of a user who may do everything. */
  url: string
  /** Without credentials. */
  bareUrl: string
  /** The URL with the credentials of one of `users`. */
  urlOf(user: string): string
  /** Stops the server and starts it again on the same port and files, as after a crash when `signal` is SIGKILL. */
  restart(signal?: NodeJS.Signals): Promise<void>
  /** Stops the server and removes its files. */
  stop(): Promise<void>
}

/** A real nats-server with JetStream on a random port; gone with `stop()` or with the test process. */
export async function throwAwayNats(
  options: { users?: readonly NatsAccount[]; onLine?: (line: string) => void } = {},
): Promise<ThrowAwayNats> {
  const dir = await tempDir('nats')
  const everything: NatsAccount = {
    user: 'everything',
    pass: randomBytes(18).toString('base64url'),
    permissions: 'everything',
  }
  let users: readonly NatsAccount[] = [...(options.users ?? []), everything]
  const { onLine } = options
  const home = join(dir.path, 'nats')
  let server = await startNats({ home, users, onLine })
  const { port } = server
  const urlOf = (name: string) => {
    const account = users.find(({ user }) => user === name)
    if (!account) throw new Error(`no such NATS user: ${name}`)
    return `nats://${encodeURIComponent(name)}:${encodeURIComponent(account.pass)}@127.0.0.1:${port}`
  }
  return {
    port,
    get pid() {
      return server.pid
    },
    get exited() {
      return server.exited
    },
    url: urlOf('everything'),
    bareUrl: server.url,
    urlOf,
    async reload(changed) {
      users = [...changed, everything]
      await server.reload(users)
    },
    kill: (signal) => server.kill(signal),
    async restart(signal) {
      if (signal) server.kill(signal)
      else await server.stop()
      await server.exited
      server = await startNats({ home, users, port, onLine })
    },
    async stop() {
      await server.stop()
      await dir.remove()
    },
  }
}
