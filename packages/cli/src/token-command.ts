import { keyRotate } from '@berth/types'
import type { Command } from 'commander'
import { openSession } from './session.ts'
import type { World } from './terminal.ts'

/** `berth token rotate-key` */
export function tokenCommands(program: Command, world: World): void {
  program
    .command('token')
    .description('the keys tokens are signed with')
    .command('rotate-key')
    .description('make a new signing key; tokens signed with the old one stay valid until they expire')
    .action(async (_options: unknown, command: Command) => {
      const { terminal, api } = openSession(world, command)
      const request = { shape: keyRotate.response, body: {}, signal: world.stop }
      const { value } = await (await api()).call('POST', '/api/berth/v1/token/rotate-key', request)
      if (terminal.output === 'json') return terminal.json(value)
      terminal.line(`new key ${value.kid}`)
    })
}
