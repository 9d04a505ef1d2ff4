import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { credentialsPath, listNatsUsers, removeNatsUser } from '@berth/embedded'
import { removeConsumer } from '@berth/messaging'
import { externalConsumer } from '@berth/types'
import type { Command } from 'commander'
import { NotThere } from '../exit.ts'
import { dataDirectory, findSuite } from '../local-suite.ts'
import { openSession } from '../session.ts'
import type { World } from '../terminal.ts'
import { externalCredentialsPath } from './credentials-file.ts'
import { withProvision } from './provision-bus.ts'
import { userAddCommand } from './user-add.ts'

/** `berth nats user add|list|remove`, on the data directory of a suite of this machine. */
export function userCommands(nats: Command, world: World): void {
  const user = nats.command('user').description('NATS users for programs that are not part of the suite')
  userAddCommand(user, world)

  user
    .command('list')
    .description('list them, with what they may ask')
    .action(async (_options: unknown, command: Command) => {
      const { terminal } = openSession(world, command)
      const users = await listNatsUsers(homeOf(world))
      const rows = users.map(({ name, permissions }) => ({
        name,
        asks: permissions.publish.filter((subject) => subject.startsWith('svc.')),
        consumer: permissions.publish.some((subject) => subject.endsWith(`.${externalConsumer(name)}`))
          ? externalConsumer(name)
          : undefined,
      }))
      terminal.rows(rows, [
        { title: 'NAME', of: (row) => row.name },
        { title: 'CONSUMER', of: (row) => row.consumer },
        { title: 'ASKS', of: (row) => row.asks.join(' ') },
      ])
    })

  user
    .command('remove <name>')
    .description('take the user away, with its consumer and its credentials file; a robot account stays')
    .action(async (name: string, _options: unknown, command: Command) => {
      const { terminal } = openSession(world, command)
      const home = homeOf(world)
      const users = await listNatsUsers(home)
      if (!users.some((user) => user.name === name)) throw new NotThere(`there is no user ${name}`)
      await removeNatsUser(home, name)
      await rm(externalCredentialsPath(home, name), { force: true })
      const suite = await findSuite(dataDirectory(world.env, world.cwd))
      if (suite?.nats.credentials) {
        const admin = { url: suite.nats.url, credentials: credentialsPath(home, 'provision') }
        await withProvision(admin, (bus) => removeConsumer(bus, 'EVENTS', externalConsumer(name)))
      }
      terminal.say(`user ${name} removed`)
    })
}

function homeOf(world: World): string {
  return join(dataDirectory(world.env, world.cwd), 'nats')
}
