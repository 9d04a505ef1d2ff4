import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SERVICES, type ServiceName, settingPrefix } from '@berth/types'
import type { Command } from 'commander'
import { CommandFailed, UsageError } from './exit.ts'
import { ROOT } from './local-suite.ts'
import { openSession } from './session.ts'
import type { World } from './terminal.ts'

/** `berth migrate`: each service's own `migrate`, one after the other; their lines go to stderr. */
export function migrateCommand(program: Command, world: World): void {
  program
    .command('migrate')
    .description('bring the schemas of the services up to date in DATABASE_URL (or BERTH_<SERVICE>_DATABASE_URL)')
    .action(async (_options: unknown, command: Command) => {
      const { terminal } = openSession(world, command)
      const owners = SERVICES.filter((service) => existsSync(join(ROOT, 'services', service, 'migrations')))
      for (const service of owners) {
        const own = `${settingPrefix(service)}_DATABASE_URL`
        if (!world.env[own] && !world.env.DATABASE_URL) throw new UsageError(`${own} is not set, nor is DATABASE_URL`)
      }
      for (const service of owners) await migrate(service, world)
      terminal.rows(
        owners.map((service) => ({ service, status: 'up to date' })),
        [
          { title: 'SERVICE', of: (row) => row.service },
          { title: 'STATUS', of: (row) => row.status },
        ],
      )
    })
}

async function migrate(service: ServiceName, world: World): Promise<void> {
  const main = join(ROOT, 'services', service, 'src', 'main.ts')
  const child = spawn(process.execPath, [...process.execArgv, main, 'migrate'], {
    env: world.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: world.stop,
  })
  child.stdout.pipe(world.stderr, { end: false })
  child.stderr.pipe(world.stderr, { end: false })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new CommandFailed(`${service} could not bring its schema up to date (exit code ${code})`)
}
