import { NATS_USERS, type NatsPermissions, natsPermissions } from '@berth/types'
import type { Command } from 'commander'
import { NotThere } from '../exit.ts'
import { openSession } from '../session.ts'
import type { Terminal, World } from '../terminal.ts'
import { serverConfig } from './server-config.ts'

/** `berth nats permissions [user]` */
export function permissionsCommand(nats: Command, world: World): void {
  nats
    .command('permissions [user]')
    .description('what to grant each user on a NATS server of your own; -o config as text for its configuration')
    .action((user: string | undefined, _options: unknown, command: Command) => {
      const { terminal } = openSession(world, command, ['table', 'json', 'config'])
      const wanted = NATS_USERS.filter((name) => user === undefined || name === user)
      if (wanted.length === 0) throw new NotThere(`there is no user ${user}; there are ${NATS_USERS.join(', ')}`)
      printPermissions(terminal, Object.fromEntries(wanted.map((name) => [name, natsPermissions(name)])))
    })
}

type Right = { user: string; may: string; subject: string }

export function printPermissions(terminal: Terminal, users: Readonly<Record<string, NatsPermissions>>): void {
  if (terminal.output === 'config') {
    terminal.line(serverConfig(users))
    return
  }
  const rows = Object.entries(users).flatMap(([user, { publish, subscribe, allowResponses }]) => [
    ...publish.map((subject) => ({ user, may: 'publish', subject })),
    ...subscribe.map((subject) => ({ user, may: 'subscribe', subject })),
    ...(allowResponses
      ? [{ user, may: 'answer', subject: 'the inbox of whoever asked (allow_responses, 100 in 1m)' }]
      : []),
  ])
  const columns = [
    { title: 'USER', of: (row: Right) => row.user },
    { title: 'MAY', of: (row: Right) => row.may },
    { title: 'SUBJECT', of: (row: Right) => row.subject },
  ]
  terminal.rows(rows, columns, users)
}
